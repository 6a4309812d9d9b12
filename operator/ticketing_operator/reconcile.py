"""One look at one platform: what it should be, what it is, and one step from here to there. Knows nothing of kopf."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog

from services.kit.topology import topology
from ticketing_operator import metrics, report
from ticketing_operator.charts import NotRendered
from ticketing_operator.children import Children
from ticketing_operator.cluster import Cluster
from ticketing_operator.diagnosis import Finding, findings
from ticketing_operator.events import event_of
from ticketing_operator.names import Object, PlatformKey
from ticketing_operator.reach import unreachable
from ticketing_operator.refusals import refuse_nonsense
from ticketing_operator.rendering import Rendering
from ticketing_operator.rollout import Rollout
from ticketing_operator.secret_keeper import MissingSecret, SecretKeeper
from ticketing_operator.spec import Spec, WrongSpec, read_spec
from ticketing_operator.status import Status, Verdict, conditions, read_status, transitions
from ticketing_operator.transport import Refused, Unanswered

log = structlog.get_logger()
_PORTS: Final = {name: topology().services[name].ports["http"] for name in ("gateway", "realtime")}


class TryAgain(Exception):
    """Something was refused or did not answer; the status says what, and the queue decides when to look again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    cluster: Cluster
    children: Children
    rendering: Rendering
    secrets: SecretKeeper
    rollout: Rollout
    now: Callable[[], datetime]

    async def reconcile(self, key: PlatformKey) -> Verdict | None:
        """May be called at any time, any number of times; None when there is no such platform.

        Raises `TryAgain` when it could not do what it should. Whatever was done before stays done, and the next call
        goes on from there.
        """
        platform = self.children.platform(key)
        if platform is None or "deletionTimestamp" in platform["metadata"]:
            # What it owned is the garbage collector's.
            self._forget(key, platform)
            return None
        again: Exception | None = None
        try:
            spec, verdict = await self._step(key, platform)
        except Refused as refusal:
            again, spec, verdict = refusal, None, _refused(refusal)
        except Unanswered as fault:
            raise TryAgain(str(fault)) from fault
        try:
            await self._tell(key, platform, spec, verdict)
        except (Refused, Unanswered) as fault:
            raise TryAgain(str(fault)) from fault
        if again:
            raise TryAgain(str(again)) from again
        return verdict

    async def _step(self, key: PlatformKey, platform: Object) -> tuple[Spec | None, Verdict]:
        try:
            spec = read_spec(platform["spec"])
            refuse_nonsense(key.name, spec)
        except WrongSpec as wrong:
            return None, Verdict(state="stalled", reason="WrongSpec", message=str(wrong))
        if rival := self._rival(key, platform):
            sentence = f"{rival} is in this namespace already, and a namespace holds one platform"
            return spec, Verdict(state="stalled", reason="NamespaceTaken", message=sentence)
        if spec.paused:
            return spec, self._paused(key, platform, spec)
        try:
            return spec, await self._bring_about(key, platform, spec)
        except MissingSecret as missing:
            return spec, Verdict(state="stalled", reason="MissingSecret", message=str(missing))
        except NotRendered as wrong:
            return spec, Verdict(state="stalled", reason="WrongSpec", message=f"the charts refuse it: {wrong}")

    async def _bring_about(self, key: PlatformKey, platform: Object, spec: Spec) -> Verdict:
        before, uid = read_status(platform.get("status")), platform["metadata"]["uid"]
        settled = _is_settled(before, platform)
        if not settled:
            await self.secrets.look_for_named(key, spec)
        await self.secrets.make_missing(key, platform, spec, settled=settled)
        digests = self.secrets.digests(key, uid)
        objects = await self.rendering.objects(key, platform, spec, digests)
        progress = await self.rollout.bring_about(key, uid, objects, upgrade=bool(before.version))
        if not progress.unready:
            return report.verdict_of(progress, [], [])
        return report.verdict_of(progress, await self._findings(key), await unreachable(spec))

    async def _findings(self, key: PlatformKey) -> list[Finding]:
        selector = f"app.kubernetes.io/part-of=ticketing,app.kubernetes.io/instance={key.name}"
        return findings(await self.cluster.pods(key.namespace, selector=selector))

    def _rival(self, key: PlatformKey, platform: Object) -> str:
        """The one that was there first keeps the namespace."""
        others = [other for other in self.children.platforms() if other.namespace == key.namespace and other != key]
        earlier = [other for other in others if _born(self.children.platform(other)) < _born(platform)]
        return earlier[0].name if earlier else ""

    def _paused(self, key: PlatformKey, platform: Object, spec: Spec) -> Verdict:
        services = report.service_statuses(self.children.of(key, uid=platform["metadata"]["uid"]), spec, [])
        state = "ready" if report.all_ready(services) else "working"
        return Verdict(state=state, reason="Paused", message="paused: nothing is changed", paused=True)  # type: ignore[arg-type]

    async def _tell(self, key: PlatformKey, platform: Object, spec: Spec | None, verdict: Verdict) -> None:
        """The status, when it is another one than before, and an Event when Ready turned."""
        before, meta = read_status(platform.get("status")), platform["metadata"]
        status = self._status(key, platform, spec, verdict, before)
        metrics.platform_seen(key, ready=verdict.state == "ready", paused=verdict.paused)
        if status == before:
            return
        self.children.saw(await self.cluster.apply_status(key, msgspec.to_builtins(status)))
        for turned in transitions(before.conditions, status.conditions):
            log.info("platform-turned", platform=str(key), ready=turned.status, reason=turned.reason)
            await self.cluster.post_event(event_of(turned, meta, self.now()))

    def _status(
        self, key: PlatformKey, platform: Object, spec: Spec | None, verdict: Verdict, before: Status
    ) -> Status:
        meta = platform["metadata"]
        services = report.service_statuses(self.children.of(key, uid=meta["uid"]), spec, [])
        realtime = next(service for service in services if service.name == "realtime")
        return Status(
            observed_generation=meta["generation"],
            version=spec.version if spec and verdict.state == "ready" and not verdict.paused else before.version,
            services_ready=report.ready_of(services),
            realtime_ready=f"{realtime.ready}/{realtime.desired}",
            conditions=conditions(verdict, before.conditions, generation=meta["generation"], now=self.now()),
            services=services,
            endpoints=report.endpoints(spec, key.namespace, _PORTS) if spec else before.endpoints,
            certificates=before.certificates,
        )

    def _forget(self, key: PlatformKey, platform: Object | None) -> None:
        metrics.platform_gone(key)
        self.rendering.forget(key)
        if platform:
            self.rollout.forget(platform["metadata"]["uid"])
            self.secrets.forget(platform["metadata"]["uid"])


def _is_settled(before: Status, platform: Object) -> bool:
    """Ready, and nothing was asked for since: then nothing is read either."""
    ready = any(condition.type == "Ready" and condition.status == "True" for condition in before.conditions)
    return ready and before.observed_generation == platform["metadata"]["generation"]


def _refused(refusal: Refused) -> Verdict:
    if "being terminated" in str(refusal):
        return Verdict(state="stalled", reason="NamespaceTerminating", message="the namespace is being deleted")
    return Verdict(state="stalled", reason="Refused", message=f"the API server refuses: {refusal}")


def _born(platform: Mapping[str, Any] | None) -> tuple[str, str]:
    meta = platform["metadata"] if platform else {}
    return meta.get("creationTimestamp", ""), meta.get("uid", "")
