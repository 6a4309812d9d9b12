"""Sees to it that the Secrets a platform needs are there: makes its own once, asks people for theirs."""

from collections.abc import Mapping

import structlog

from ticketing_operator.children import Children
from ticketing_operator.cluster import Cluster
from ticketing_operator.credentials import made, named_by_people, needed
from ticketing_operator.decorate import owned
from ticketing_operator.names import Kind, Object, PlatformKey, Ref
from ticketing_operator.rollout import each
from ticketing_operator.spec import Spec
from ticketing_operator.values import MANAGED_POSTGRES_SECRET

_SECRET = Kind("v1", "Secret")
# Data are locked with these: once something was begun with one, a new one would fit nothing. Name → what shows that
# something was, and what a person may do.
_IRREPLACEABLE: Mapping[str, tuple[Ref, str]] = {
    MANAGED_POSTGRES_SECRET: (
        Ref(Kind("apps/v1", "StatefulSet"), "postgres"),
        "the database knows only the password that was in it: put it back, or delete StatefulSet/postgres and its claim"
        " to begin with an empty database",
    ),
    "auth": (
        Ref(Kind("apps/v1", "Deployment"), "auth"),
        "the signing keys in the database are sealed with its key-secret: put it back, or make one with a new"
        " key-secret and have auth rotate its keys",
    ),
}
log = structlog.get_logger()


class MissingSecret(Exception):
    """A Secret that a person has to make. The message says which, and with what in it."""


class SecretKeeper:
    def __init__(self, cluster: Cluster, children: Children) -> None:
        self._cluster, self._children = cluster, children
        # Those of that name which somebody else made: theirs count, and nothing watches them.
        self._of_others: set[tuple[str, str]] = set()

    async def make_missing(self, key: PlatformKey, platform: Object, spec: Spec, *, settled: bool) -> None:
        """Make what is not there. What is there stays, whoever made it."""
        uid = platform["metadata"]["uid"]
        if not settled:
            self.forget(uid)
        here = self._children.of(key, uid=uid)
        missing = [
            name for name in needed(spec) if Ref(_SECRET, name) not in here and (uid, name) not in self._of_others
        ]
        for name in missing:
            begun, advice = _IRREPLACEABLE.get(name, (None, ""))
            if begun in here:
                raise MissingSecret(f"the Secret {name} is gone, and {advice}")
        await each(self._make(name, platform, spec) for name in missing)

    async def _make(self, name: str, platform: Object, spec: Spec) -> None:
        (secret,) = owned([made(name, spec)], platform)
        answer = await self._cluster.create(secret)
        if answer is None:
            self._of_others.add((platform["metadata"]["uid"], name))
            return
        log.info("secret-made", name=name, namespace=platform["metadata"]["namespace"])
        self._children.saw({"apiVersion": "v1", "kind": "Secret"} | answer)

    async def look_for_named(self, key: PlatformKey, spec: Spec) -> None:
        """Raise for the first Secret that the specification names and that is not there or lacks a key."""
        for field, name, keys in named_by_people(spec):
            secret = await self._cluster.find_secret(key.namespace, name)
            if secret is None:
                raise MissingSecret(f"{field}: there is no Secret {name}; make it, with {' and '.join(keys)}")
            if lacking := [wanted for wanted in keys if wanted not in (secret.get("data") or {})]:
                raise MissingSecret(f"{field}: the Secret {name} has no {' and no '.join(lacking)}")

    def digests(self, key: PlatformKey, uid: str) -> Mapping[str, str]:
        """Name of each Secret made here → what changes when its contents do."""
        here = self._children.of(key, uid=uid)
        return {ref.name: str(child["digest"]) for ref, child in here.items() if ref.kind == _SECRET}

    def forget(self, uid: str) -> None:
        self._of_others = {place for place in self._of_others if place[0] != uid}
