"""Every kind the operator touches and what it may do with it. Roles are made from this table, and a test compares it
with what is really called."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ticketing_operator.names import API_VERSION, GROUP, KIND, PLURAL, Kind

# Watched, applied (create and patch are what server-side apply needs), deleted when no longer rendered.
_KEEP: Final = ("list", "watch", "create", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Access:
    """One kind, its path in the API, and the verbs that are used on it."""

    kind: Kind
    plural: str
    verbs: tuple[str, ...]
    # Defined by another project, which may not be installed.
    foreign: bool = False

    @property
    def root(self) -> str:
        return f"/apis/{self.kind.api_version}" if self.kind.group else f"/api/{self.kind.api_version}"


def _access(api_version: str, kind: str, plural: str, *verbs: str, foreign: bool = False) -> Access:
    return Access(Kind(api_version, kind), plural, verbs or _KEEP, foreign)


PLATFORM: Final = _access(API_VERSION, KIND, PLURAL, "list", "watch")
# What platforms are made of, as far as it is rendered.
OWNED: Final = (
    _access("v1", "ServiceAccount", "serviceaccounts"),
    _access("v1", "Service", "services"),
    _access("apps/v1", "Deployment", "deployments"),
    _access("apps/v1", "StatefulSet", "statefulsets"),
    _access("batch/v1", "Job", "jobs"),
    _access("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    _access("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    _access("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    _access("networking.k8s.io/v1", "Ingress", "ingresses"),
    _access("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes", foreign=True),
    _access("v1", "ConfigMap", "configmaps"),
    _access("monitoring.coreos.com/v1", "ServiceMonitor", "servicemonitors", foreign=True),
    _access("monitoring.coreos.com/v1", "PrometheusRule", "prometheusrules", foreign=True),
    _access("cert-manager.io/v1", "Certificate", "certificates", foreign=True),
    _access("keda.sh/v1alpha1", "ScaledObject", "scaledobjects", foreign=True),
)
# `get` for those a person made and a platform names, and for the key that signs certificates. `patch` renews these: any
# other Secret is made once and never overwritten. Listed and watched by the operator's own label, so that one which was
# deleted is made again at once; Roles know no labels.
SECRETS: Final = _access("v1", "Secret", "secrets", "get", "list", "watch", "create", "patch")
# Looked at only while something is not ready: why a container does not start.
PODS: Final = _access("v1", "Pod", "pods", "list")
EVENTS: Final = _access("events.k8s.io/v1", "Event", "events", "create")

BY_KIND: Final[Mapping[Kind, Access]] = {access.kind: access for access in (PLATFORM, *OWNED, SECRETS, PODS, EVENTS)}


def rules() -> Iterator[dict[str, Any]]:
    """The rules of the Role (or ClusterRole, when all namespaces are watched) for platforms and what they own."""
    yield _rule(PLATFORM.kind.group, PLATFORM.plural, *PLATFORM.verbs)
    yield _rule(GROUP, f"{PLURAL}/status", "patch")
    for access in (*OWNED, SECRETS, PODS, EVENTS):
        yield _rule(access.kind.group, access.plural, *access.verbs)


def _rule(group: str, resource: str, *verbs: str) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
