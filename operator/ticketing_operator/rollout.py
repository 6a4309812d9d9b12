"""Brings a platform's objects about, wave by wave. Never waits: what is not ready yet is told, and looked at again."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from ticketing_operator import metrics
from ticketing_operator.children import Children, Live
from ticketing_operator.cluster import Cluster
from ticketing_operator.compare import differences
from ticketing_operator.decorate import rendered_as
from ticketing_operator.kinds import BY_KIND
from ticketing_operator.names import SECRETS_ANNOTATION, Object, PlatformKey, Ref
from ticketing_operator.plan import MOUNTED, Wave, no_longer_rendered, waves
from ticketing_operator.readiness import State, replicas
from ticketing_operator.transport import Refused

# Requests under way at once for one platform: the API server has others to serve.
AT_ONCE = 8
log = structlog.get_logger()


@dataclass(slots=True)
class Progress:
    """How far a pass came."""

    # Of the first wave that is not ready, or nothing.
    wave: str = ""
    unready: list[tuple[Ref, State]] = field(default_factory=list)
    # Kinds that the cluster does not know, because another project is not installed.
    unknown_kinds: set[str] = field(default_factory=set)

    @property
    def failed(self) -> list[tuple[Ref, State]]:
        return [(ref, state) for ref, state in self.unready if state.failed]


class Rollout:
    def __init__(self, cluster: Cluster, children: Children) -> None:
        self._cluster, self._children = cluster, children
        # What the API server made of an object, where it is not what was sent: not to be sent again for that.
        self._as_accepted: dict[tuple[str, Ref], tuple[str, list[str]]] = {}

    async def bring_about(self, key: PlatformKey, uid: str, objects: Sequence[Object], *, upgrade: bool) -> Progress:
        """Apply what may be applied now. `upgrade`: something older serves, so services wait for those they call.

        Behind a wave that is not ready nothing changes, but what was edited by hand is put right all the same.
        """
        progress, held = Progress(), False
        live = self._children.of(key, uid=uid)
        for wave in waves(objects):
            if await self._apply_wave(key, wave, live, uid, held=held, progress=progress):
                live = self._children.of(key, uid=uid)
            unready = wave.unready(live)
            unready = [(ref, state) for ref, state in unready if ref.kind.kind not in progress.unknown_kinds]
            if unready and not progress.unready:
                progress.wave, progress.unready = wave.name, unready
            elif unready and not held:
                progress.unready += unready
            held = held or bool(unready and (upgrade or not wave.only_upgrades_wait))
            held = held or not progress.unknown_kinds.isdisjoint(MOUNTED)
        if not held:
            await self._prune(key, live, objects)
        return progress

    async def _apply_wave(
        self, key: PlatformKey, wave: Wave, live: Live, uid: str, *, held: bool, progress: Progress
    ) -> bool:
        """Whether anything of it was due: then what is live is not what it was."""
        due = [thing for thing in wave.objects if self._is_due(thing, live.get(Ref.of(thing)), uid, held=held)]
        await each(self._apply(key, thing, live.get(Ref.of(thing)), uid, progress) for thing in due)
        return bool(due)

    def _is_due(self, thing: Object, current: Object | None, uid: str, *, held: bool) -> bool:
        if current is None:
            return not held
        if thing["kind"] == "Job":
            # Never changed: another one has another name. Only a new password makes the same one run again.
            return not held and _role_of(current) not in {None, _role_of(thing)}
        found = differences(thing, current)
        as_asked = not found or self._as_accepted.get((uid, Ref.of(thing))) == (rendered_as(thing), found)
        if as_asked and not _sleeps(thing, current):
            return False
        return not held or rendered_as(thing) == rendered_as(current)

    async def _apply(
        self, key: PlatformKey, thing: Object, current: Object | None, uid: str, progress: Progress
    ) -> None:
        ref = Ref.of(thing)
        if current is not None and thing["kind"] == "Job":
            await self._delete(key, ref, current)
        elif current is not None and rendered_as(thing) == rendered_as(current):
            metrics.DRIFT.labels(ref.kind.kind).inc()
            log.info("drift-corrected", object=str(ref), fields=differences(thing, current)[:5])
        try:
            if current is not None and thing["kind"] == "Deployment" and "replicas" not in thing["spec"]:
                await self._cluster.hand_over_replicas(thing, max(1, replicas(current)))
            answer = await self._cluster.apply(thing)
        except Refused as refusal:
            if not (refusal.is_missing and BY_KIND[ref.kind].foreign):
                raise
            progress.unknown_kinds.add(ref.kind.kind)
            return
        self._children.saw(answer)
        self._as_accepted[uid, ref] = (rendered_as(thing), differences(thing, answer))

    async def _prune(self, key: PlatformKey, live: Live, objects: Sequence[Object]) -> None:
        gone = [ref for ref in no_longer_rendered(objects, live) if ref.kind.kind != "Secret"]
        await each(self._delete(key, ref, live[ref]) for ref in gone)

    async def _delete(self, key: PlatformKey, ref: Ref, child: Object) -> None:
        if "deletionTimestamp" in child["metadata"]:
            return
        await self._cluster.delete(ref, key.namespace, uid=child["metadata"]["uid"])
        self._children.saw(child, deleted=True)

    def forget(self, uid: str) -> None:
        self._as_accepted = {place: seen for place, seen in self._as_accepted.items() if place[0] != uid}


def _sleeps(thing: Object, current: Object) -> bool:
    """Without a pod its autoscaler leaves it alone, so that it would stay so: it was scaled down by hand."""
    return thing["kind"] == "Deployment" and "replicas" not in thing["spec"] and replicas(current) == 0


def _role_of(job: Object) -> str | None:
    return (job["metadata"].get("annotations") or {}).get(SECRETS_ANNOTATION)


async def each(works: Iterable[Awaitable[None]]) -> None:
    """All of them, a few at once; the first fault is raised when all have ended."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(work: Awaitable[None]) -> None:
        async with room:
            await work

    for outcome in await asyncio.gather(*(one(work) for work in works), return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
