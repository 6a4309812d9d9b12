"""Keeps a platform's authority and the certificates of its services: in Secrets, renewed in time, rotated in steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from ticketing_operator.authority import Authority, Leaf, Move, Step, Wanted, next_step
from ticketing_operator.children import Children
from ticketing_operator.cluster import Cluster
from ticketing_operator.decorate import owned
from ticketing_operator.mesh_modes import IDENTITIES
from ticketing_operator.mesh_secrets import (
    ASKED,
    AUTHORITY_SECRET,
    ROOTS_SINCE,
    ROTATE_AUTHORITY,
    ROTATE_CERTIFICATES,
    Contents,
    announced,
    as_written,
    changed,
    contents_of,
    encoded,
    identity_secret,
    issued,
    made,
    promoted,
    read_authority,
    read_leaf,
    retired,
    trusting,
)
from ticketing_operator.names import Kind, Object, PlatformKey, Ref
from ticketing_operator.rollout import each
from ticketing_operator.spec import Spec
from ticketing_operator.transport import Unanswered

_SECRET: Final = Kind("v1", "Secret")
# A pass makes a few moves at most: to make an authority, to announce or promote or retire one, to write Secrets.
MOVES: Final = 8
_TOLD: Final[Mapping[Move, tuple[str, str]]] = {
    "make": ("AuthorityMade", "the mesh has a new certificate authority"),
    "announce": ("AuthorityAnnounced", "a new certificate authority is trusted, and will sign once every pod knows it"),
    "promote": ("AuthorityPromoted", "the new certificate authority signs"),
    "retire": ("AuthorityRetired", "the old certificate authority is trusted no more"),
}
log = structlog.get_logger()


class SecretInTheWay(Exception):
    """Somebody else's Secret has the name of one that is to be written. The message says which."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that was done, for an Event: a reason in one word, and a sentence."""

    reason: str
    note: str


@dataclass(slots=True)
class Kept:
    happenings: list[Happening] = field(default_factory=list)
    # When there is something to do again, whatever happens before.
    again_at: datetime | None = None


class CertificateKeeper:
    def __init__(
        self, cluster: Cluster, children: Children, *, settles: timedelta, now: Callable[[], datetime]
    ) -> None:
        self._cluster, self._children, self._settles, self._now = cluster, children, settles, now

    async def keep(self, key: PlatformKey, platform: Object, spec: Spec) -> Kept:
        """Do what is due now. Reads nothing and writes nothing when nothing is."""
        wanted, kept = self._wanted(key, platform, spec), Kept()
        for _ in range(MOVES):
            secrets = self._secrets(key, platform)
            authority = read_authority(secrets.get(AUTHORITY_SECRET))
            step = next_step(wanted, authority, _leaves(secrets), now=self._now())
            if step.move != "stay":
                if await self._move(step.move, platform, authority, wanted, secrets):
                    kept.happenings.append(self._tell(platform, *_TOLD[step.move]))
            elif step.issue or step.trust:
                await self._write(step, platform, authority, wanted, secrets)
                if step.issue:
                    note = f"certificates were issued to {', '.join(step.issue)}"
                    kept.happenings.append(self._tell(platform, "CertificatesIssued", note))
            else:
                kept.again_at = step.again_at
                return kept
        raise Unanswered("certificates were changed by somebody else at the same time")

    def _wanted(self, key: PlatformKey, platform: Object, spec: Spec) -> Wanted:
        asked = platform["metadata"].get("annotations") or {}
        return Wanted(
            services=IDENTITIES,
            trust_domain=spec.mesh.trust_domain,
            namespace=key.namespace,
            lasts=timedelta(days=spec.mesh.certificate_days),
            settles=self._settles,
            rotate_authority=asked.get(ROTATE_AUTHORITY, ""),
            rotate_certificates=asked.get(ROTATE_CERTIFICATES, ""),
        )

    def _secrets(self, key: PlatformKey, platform: Object) -> Mapping[str, Object]:
        here = self._children.of(key, uid=platform["metadata"]["uid"])
        return {ref.name: child for ref, child in here.items() if ref.kind == _SECRET}

    async def _move(
        self, move: Move, platform: Object, authority: Authority | None, wanted: Wanted, secrets: Mapping[str, Object]
    ) -> bool:
        """False when the authority turned out to be another one than the watches told of: look again."""
        now = self._now()
        fresh = await self._read(AUTHORITY_SECRET, secrets)
        before = contents_of(fresh) if fresh else {}
        if AUTHORITY_SECRET in secrets and read_authority(self._kept(platform, AUTHORITY_SECRET)) != authority:
            return False
        if move == "make":
            roots = {root.id: root for leaf in _leaves(secrets).values() for root in leaf.roots}
            changes = made(list(roots.values()), now=now)
        else:
            changes = {"announce": announced(now), "promote": {}, "retire": retired()}[move] or promoted(before)
        marks = {ASKED: wanted.rotate_authority} if move in {"make", "announce"} else {}
        await self._put(AUTHORITY_SECRET, platform, fresh, changes, marks)
        return True

    async def _write(
        self, step: Step, platform: Object, authority: Authority | None, wanted: Wanted, secrets: Mapping[str, Object]
    ) -> None:
        if authority is None:
            raise RuntimeError("an authority comes before certificates")
        key = b""
        if step.issue:
            fresh = await self._read(AUTHORITY_SECRET, secrets)
            if fresh is None or read_authority(self._kept(platform, AUTHORITY_SECRET)) != authority:
                return
            key = contents_of(fresh)["tls.key"]
        now, marks = self._now(), {ROOTS_SINCE: self._now().isoformat(timespec="seconds")}

        async def one(service: str, *, anew: bool) -> None:
            name = identity_secret(service)
            fresh, known = await self._read(name, secrets), read_leaf(secrets.get(name))
            if fresh is None and not anew:
                return
            changes = issued(service, wanted, authority, key, now=now) if anew else trusting(authority)
            told = marks if known is None or known.ids != authority.ids else {}
            await self._put(
                name, platform, fresh, changes, told | ({ASKED: wanted.rotate_certificates} if anew else {})
            )

        await each([*(one(name, anew=True) for name in step.issue), *(one(name, anew=False) for name in step.trust)])

    async def _read(self, name: str, secrets: Mapping[str, Object]) -> Object | None:
        """What the API server has now of a Secret that the watches told of: nobody else keeps its key."""
        if (told := secrets.get(name)) is None:
            return None
        fresh = await self._cluster.find_secret(told["metadata"]["namespace"], name)
        self._children.saw(fresh or told, deleted=fresh is None)
        return fresh

    def _kept(self, platform: Object, name: str) -> Object | None:
        return self._secrets(PlatformKey.of(platform), platform).get(name)

    async def _put(
        self, name: str, platform: Object, fresh: Object | None, changes: Contents, marks: Mapping[str, str]
    ) -> None:
        namespace = platform["metadata"]["namespace"]
        if fresh is None:
            answer = await self._create(name, platform, changed({}, changes), marks)
        else:
            # Whatever else somebody put in goes: what is there is what was written, or it would be written for ever.
            ours = {"tls.crt", "tls.key", "ca.crt", "next.crt", "next.key", "trusted.crt"}
            changes = {**{key: None for key in contents_of(fresh) if key not in ours}, **changes}
            meta = {
                "resourceVersion": fresh["metadata"]["resourceVersion"],
                "annotations": {**as_written(changed(contents_of(fresh), changes)), **marks},
            }
            body = {"metadata": meta, "data": encoded(changes)}
            answer = await self._cluster.amend(Ref(_SECRET, name), namespace, body)
        self._children.saw(answer)

    async def _create(
        self, name: str, platform: Object, contents: Mapping[str, bytes], marks: Mapping[str, str]
    ) -> Object:
        secret: Object = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "annotations": {**as_written(contents), **marks}},
            "type": "Opaque" if name == AUTHORITY_SECRET else "kubernetes.io/tls",
            "data": encoded(contents),
        }
        (secret,) = owned([secret], platform)
        if (answer := await self._cluster.create(secret)) is not None:
            return answer
        there = await self._cluster.find_secret(platform["metadata"]["namespace"], name)
        if there is not None and self._children.saw(there) == PlatformKey.of(platform):
            raise Unanswered(f"the Secret {name} was there already, and nobody had told of it yet")
        raise SecretInTheWay(
            f"the Secret {name} is in the way: the operator writes the certificates of the mesh there, and somebody"
            " else made it; delete it"
        )

    def _tell(self, platform: Object, reason: str, note: str) -> Happening:
        log.info("mesh", platform=str(PlatformKey.of(platform)), reason=reason, note=note)
        return Happening(reason, note)


def _leaves(secrets: Mapping[str, Object]) -> dict[str, Leaf]:
    found = {service: read_leaf(secrets.get(identity_secret(service))) for service in IDENTITIES}
    return {service: leaf for service, leaf in found.items() if leaf is not None}
