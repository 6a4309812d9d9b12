"""The business of booking-worker in numbers."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from services.kit.metrics import Words

DEPTH: Final = Gauge("queue_depth", "Orders of all events without an outcome, as last counted.")
EVENTS: Final = Gauge("queue_events_waiting", "Events with at least one order that waits, as last counted.")
OLDEST: Final = Gauge("queue_oldest_age_seconds", "Age of the order that waits longest, over all events.")
LEASES: Final = Gauge("queue_leases_held", "Events that this worker works now.")
IN_FLIGHT: Final = Gauge("queue_in_flight", "Orders that this worker took and that have no outcome yet.")
WAITED: Final = Histogram(
    "queue_waiting_seconds",
    "From an order's place in line to its outcome.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0),
)
OUTCOMES: Final = Counter("queue_outcomes_total", "Orders that left the line.", ["status", "reason"])
RETRIES: Final = Counter("queue_retries_total", "Orders sent again because they were not decided.")
DEAD: Final = Counter("queue_dead_letters_total", "Entries that could not be worked.", ["reason"])
UNSENT: Final = Counter("queue_results_unsent_total", "Results that realtime was not there to take.")
RECONNECTS: Final = Counter("queue_booking_streams_total", "Streams opened to booking.")
_reason = Words()
for _status in ("CONFIRMED", "AWAITING_PAYMENT", "REJECTED", "CANCELLED"):
    OUTCOMES.labels(_status, "")
# Known before the first of them comes: a series that begins with its first failure tells of no increase.
for _ours in ("try-again", "malformed-order"):
    OUTCOMES.labels("REJECTED", _ours)
for _fault in ("no-order", "unreadable-order", "incomplete-order", "wrong-event", "no-number", "not-decided"):
    DEAD.labels(_fault)


def outcome(status: str, reason: str, count: int) -> None:
    """Reasons come from other services: beyond a number of them, they are all `other`."""
    OUTCOMES.labels(status, _reason(reason)).inc(count)
