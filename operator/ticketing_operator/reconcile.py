"""One look at one platform: what it should be, what it is, and one step from here to there. Knows nothing of kopf."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog

from services.kit.topology import topology
from ticketing_operator import mesh_report, metrics, report
from ticketing_operator.certificate_keeper import CertificateKeeper, SecretInTheWay
from ticketing_operator.charts import NotRendered
from ticketing_operator.children import Children
from ticketing_operator.cluster import Cluster
from ticketing_operator.diagnosis import Finding, findings
from ticketing_operator.events import event_of, event_of_turn
from ticketing_operator.mesh_modes import behind, mode_now
from ticketing_operator.names import Object, PlatformKey
from ticketing_operator.reach import unreachable
from ticketing_operator.refusals import refuse_nonsense
from ticketing_operator.rendering import Rendering
from ticketing_operator.rollout import Rollout
from ticketing_operator.secret_keeper import MissingSecret, SecretKeeper
from ticketing_operator.spec import Mode, Spec, WrongSpec, read_spec
from ticketing_operator.status import Status, Verdict, conditions, read_status, transitions
from ticketing_operator.transport import Refused, Unanswered

# A pod that stops is told by no event in every version of Kubernetes.
MODE_CHANGES_S: Final = 5.0
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
    certificates: CertificateKeeper
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
        except SecretInTheWay as told:
            return spec, Verdict(state="stalled", reason="SecretInTheWay", message=str(told))
        except NotRendered as wrong:
            return spec, Verdict(state="stalled", reason="WrongSpec", message=f"the charts refuse it: {wrong}")

    async def _bring_about(self, key: PlatformKey, platform: Object, spec: Spec) -> Verdict:
        before, uid = read_status(platform.get("status")), platform["metadata"]["uid"]
        settled = _is_settled(before, platform)
        if not settled:
            await self.secrets.look_for_named(key, spec)
        await self.secrets.make_missing(key, platform, spec, settled=settled)
        mode = mode_now(spec.mesh.mtls, self.children.of(key, uid=uid))
        again_in_s = await self._keep_certificates(key, platform, spec, mode)
        objects = await self.rendering.objects(key, platform, in_mode(spec, mode), self.secrets.digests(key, uid))
        progress = await self.rollout.bring_about(key, uid, objects, upgrade=bool(before.version))
        if progress.unready:
            verdict = report.verdict_of(progress, await self._findings(key), await unreachable(spec))
        elif mode != spec.mesh.mtls:
            sentence = f"calls are {mode}, on the way to {spec.mesh.mtls}, until the last older pod is gone"
            return Verdict(state="working", reason="ModeChanging", message=sentence, again_in_s=MODE_CHANGES_S)
        else:
            verdict = report.verdict_of(progress, [], [])
        return msgspec.structs.replace(verdict, again_in_s=again_in_s)

    async def _keep_certificates(self, key: PlatformKey, platform: Object, spec: Spec, mode: Mode) -> float | None:
        """Whatever pods of that mode mount; seconds until there is something to renew."""
        if mode == "off" or spec.mesh.issuer != "operator":
            return None
        kept = await self.certificates.keep(key, platform, spec)
        for happening in kept.happenings:
            event = event_of(happening.reason, happening.note, platform["metadata"], self.now())
            await self.cluster.post_event(event)
        return (kept.again_at - self.now()).total_seconds() if kept.again_at else None

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
        ends = {one.name: datetime.fromisoformat(one.not_after).timestamp() for one in status.certificates}
        metrics.certificates_seen(key, ends)
        if status == before:
            return
        self.children.saw(await self.cluster.apply_status(key, msgspec.to_builtins(status)))
        for turned in transitions(before.conditions, status.conditions):
            log.info("platform-turned", platform=str(key), ready=turned.status, reason=turned.reason)
            await self.cluster.post_event(event_of_turn(turned, meta, self.now()))

    def _status(
        self, key: PlatformKey, platform: Object, spec: Spec | None, verdict: Verdict, before: Status
    ) -> Status:
        meta, now = platform["metadata"], self.now()
        live = self.children.of(key, uid=meta["uid"])
        services = report.service_statuses(live, spec, [])
        issued = mesh_report.certificates(spec.mesh, live) if spec else before.certificates
        late = behind(spec.mesh.mtls, live) if spec else []
        mesh = mesh_report.condition(spec.mesh.mtls, late, issued, now=now) if spec else None
        realtime = next(service for service in services if service.name == "realtime")
        return Status(
            observed_generation=meta["generation"],
            version=spec.version if spec and verdict.state == "ready" and not verdict.paused else before.version,
            services_ready=report.ready_of(services),
            realtime_ready=f"{realtime.ready}/{realtime.desired}",
            conditions=conditions(verdict, before.conditions, generation=meta["generation"], now=now, mesh=mesh),
            services=services,
            endpoints=report.endpoints(spec, key.namespace, _PORTS) if spec else before.endpoints,
            certificates=issued,
        )

    def _forget(self, key: PlatformKey, platform: Object | None) -> None:
        metrics.platform_gone(key)
        self.rendering.forget(key)
        if platform:
            self.rollout.forget(platform["metadata"]["uid"])
            self.secrets.forget(platform["metadata"]["uid"])


def in_mode(spec: Spec, mode: Mode) -> Spec:
    return msgspec.structs.replace(spec, mesh=msgspec.structs.replace(spec.mesh, mtls=mode))


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
