"""The status of a platform from what was seen of it: pure."""

from collections.abc import Mapping, Sequence

from ticketing_operator.children import Live
from ticketing_operator.diagnosis import Finding
from ticketing_operator.names import Kind, Object, Ref
from ticketing_operator.plan import MOUNTED
from ticketing_operator.readiness import replicas, state_of
from ticketing_operator.rollout import Progress
from ticketing_operator.spec import SERVICES, Spec
from ticketing_operator.status import Endpoint, ServiceStatus, Verdict

_DEPLOYMENT = Kind("apps/v1", "Deployment")
_REASONS: Mapping[str, str] = {"data stores": "DataStores", "migrations": "Migrating", "outside": "Routes"}
_FAILURES: Mapping[str, str] = {"migrations": "MigrationFailed"}


def service_statuses(live: Live, spec: Spec | None, findings: Sequence[Finding]) -> list[ServiceStatus]:
    """One for each service that is asked for, those that are not there yet too. No specification: one that is wrong."""
    told = {finding.service: finding.message for finding in findings}
    names = spec.asked_for if spec else SERVICES
    return [_service(name, live.get(Ref(_DEPLOYMENT, name)), told.get(name, "")) for name in names]


def _service(name: str, deployment: Object | None, told: str) -> ServiceStatus:
    if deployment is None:
        return ServiceStatus(name=name, ready=0, desired=0, version="", message=told or "not there yet")
    state = state_of(deployment, rendered=deployment)
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return ServiceStatus(
        name=name,
        ready=(deployment.get("status") or {}).get("readyReplicas", 0),
        desired=replicas(deployment),
        version=containers[0]["image"].rpartition(":")[2],
        message="" if state.ready else (told or state.message),
    )


def all_ready(services: Sequence[ServiceStatus]) -> bool:
    return all(not service.message for service in services)


def ready_of(services: Sequence[ServiceStatus]) -> str:
    return f"{sum(not service.message for service in services)}/{len(services)}"


def endpoints(spec: Spec, namespace: str, ports: Mapping[str, int]) -> list[Endpoint]:
    """Where the platform answers: for the public when it has a name, and inside the cluster."""
    gateway = spec.gateway
    inside = [
        Endpoint(name=f"{name}-inside", url=f"http://{name}.{namespace}.svc:{port}")
        for name, service, port in (
            ("gateway", "gateway", ports["gateway"]),
            ("realtime", "realtime", ports["realtime"]),
        )
    ]
    scheme = "https" if gateway.http_route or (gateway.ingress and gateway.ingress.tls_secret_name) else "http"
    public = gateway.url or (f"{scheme}://{gateway.host}" if gateway.host else "")
    return ([Endpoint(name="public", url=public)] if public else []) + inside


def verdict_of(progress: Progress, findings: Sequence[Finding], unreachable: Sequence[str]) -> Verdict:
    """One word and one sentence for how far a pass came."""
    if absent := progress.unknown_kinds & MOUNTED:
        sentence = f"the cluster does not know the kind {', '.join(absent)}: install cert-manager, or ask the operator"
        return Verdict(state="stalled", reason="IssuerMissing", message=f"spec.mesh.issuer: {sentence} to issue")
    left_out = _left_out(progress.unknown_kinds)
    if not progress.unready:
        return Verdict(
            state="ready",
            reason="RunningInPart" if left_out else "Running",
            message=left_out or "all services are ready",
        )
    told = "; ".join([*unreachable, *(f"{finding.service}: {finding.message}" for finding in findings[:3])])
    if progress.failed:
        what = _sentence(progress.wave, progress.failed)
        return Verdict(
            state="stalled", reason=_FAILURES.get(progress.wave, "RolloutFailed"), message=_joined(what, told, left_out)
        )
    sentence = _joined(_sentence(progress.wave, progress.unready), told, left_out)
    if any(finding.hopeless for finding in findings):
        return Verdict(state="stalled", reason="PodsCannotStart", message=_joined(told, left_out))
    if unreachable:
        return Verdict(state="stalled", reason="StoreUnreachable", message=sentence)
    return Verdict(state="working", reason=_REASONS.get(progress.wave, "RollingOut"), message=sentence)


def _sentence(wave: str, unready: Sequence[tuple[Ref, object]]) -> str:
    first = "; ".join(f"{ref}: {getattr(state, 'message', '')}" for ref, state in unready[:3])
    more = f" and {len(unready) - 3} more" if len(unready) > 3 else ""
    return f"{wave}: {first}{more}"


def _left_out(kinds: set[str]) -> str:
    if not kinds:
        return ""
    return f"left out, because the cluster does not know the kind: {', '.join(sorted(kinds))}"


def _joined(*parts: str) -> str:
    return ". ".join(part for part in parts if part)
