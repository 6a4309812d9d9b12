"""The business of booking in numbers."""

from typing import Final

from prometheus_client import Counter, Gauge

from services.kit.metrics import Words
from services.kit.tracing import exemplar

BOOKINGS: Final = Counter("bookings_total", "Bookings decided, by outcome and reason.", ["outcome", "reason"])
RESTING: Final = Gauge("sagas_resting", "Sagas taken up again after a dependency did not answer, as last seen.")
PARKINGS: Final = Counter("saga_parkings_total", "Sagas that gave up asking and wait for a person.")
PARKED: Final = Gauge("sagas_parked", "Sagas that wait for a person now, whichever process parked them.")

_reason = Words()


def decided(outcome: str, reason: str) -> None:
    """Reasons come from other services and from the PSP: beyond a number of them, they are all `other`."""
    BOOKINGS.labels(outcome, _reason(reason)).inc(1, exemplar())
