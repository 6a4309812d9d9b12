"""What the operator tells Prometheus about itself."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from ticketing_operator.names import PlatformKey

_BUCKETS: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

RECONCILED: Final = Counter(
    "ticketing_operator_reconcile_total", "Passes over a platform: settled, waiting, stalled or failed.", ["result"]
)
RECONCILE_DURATION: Final = Histogram(
    "ticketing_operator_reconcile_duration_seconds", "Time of one pass over a platform.", buckets=_BUCKETS
)
READY: Final = Gauge("ticketing_operator_platform_ready", "1 while the platform is Ready.", ["namespace", "name"])
PAUSED: Final = Gauge("ticketing_operator_platform_paused", "1 while the platform is paused.", ["namespace", "name"])
DRIFT: Final = Counter(
    "ticketing_operator_drift_corrected_total", "Objects that were not as rendered and were put right.", ["kind"]
)
CERTIFICATE_EXPIRY: Final = Gauge(
    "ticketing_operator_certificate_expiry_seconds",
    "When a certificate of the mesh ends, as seconds since 1970.",
    ["namespace", "name"],
)
# Whose end is told of, by platform.
_CERTIFICATES: Final[defaultdict[PlatformKey, frozenset[str]]] = defaultdict(frozenset)
RESYNC_AGE: Final = Gauge("ticketing_operator_resync_age_seconds", "Seconds since all platforms were last looked at.")
API_REQUESTS: Final = Counter(
    "ticketing_operator_api_requests_total",
    "Requests to the API server, watches not counted; code none: no answer.",
    ["verb", "kind", "code"],
)


def api_request(verb: str, kind: str, code: str) -> None:
    API_REQUESTS.labels(verb, kind, code).inc()


def platform_seen(key: PlatformKey, *, ready: bool, paused: bool) -> None:
    READY.labels(key.namespace, key.name).set(ready)
    PAUSED.labels(key.namespace, key.name).set(paused)


def certificates_seen(key: PlatformKey, ends: Mapping[str, float]) -> None:
    """All certificates of a platform, by name; those that are not named any more are forgotten."""
    for name in _CERTIFICATES[key] - ends.keys():
        CERTIFICATE_EXPIRY.remove(key.namespace, name)
    for name, end in ends.items():
        CERTIFICATE_EXPIRY.labels(key.namespace, name).set(end)
    _CERTIFICATES[key] = frozenset(ends)


def platform_gone(key: PlatformKey) -> None:
    certificates_seen(key, {})
    for gauge in (READY, PAUSED):
        gauge.remove_by_labels({"namespace": key.namespace, "name": key.name})
