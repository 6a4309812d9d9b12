"""The business of realtime in numbers."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SOCKETS: Final = Gauge("realtime_sockets", "Sockets that are open and signed in.")
USERS: Final = Gauge("realtime_users", "Users with at least one socket here.")
ROOMS: Final = Gauge("realtime_rooms", "Rooms with at least one socket here.")
OPENED: Final = Counter("realtime_sockets_opened_total", "Sockets that signed in, also those that come back.")
SENT: Final = Counter("realtime_messages_sent_total", "Messages written to sockets.")
DROPPED: Final = Counter("realtime_sockets_dropped_total", "Sockets closed because they took messages too slowly.")
REPLAYED: Final = Counter("realtime_messages_replayed_total", "Messages read again for sockets that came back.")
ENDED: Final = Counter("realtime_sockets_ended_total", "Sockets that we closed, by close code.", ["code"])
REFUSED: Final = Counter("realtime_sockets_refused_total", "Sockets not opened at all, by reason.", ["reason"])
ACCEPTED: Final = Counter("realtime_user_messages_total", "User messages asked for, by result.", ["result"])
LATENCY: Final = Histogram(
    "realtime_delivery_seconds",
    "From a message's place in the inbox to the queues of its sockets; one sample a batch.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
)
# Known before the first of them comes: a series that begins with its first sample tells of no increase.
for _reason in ("token-in-url", "origin", "subprotocol", "full"):
    REFUSED.labels(_reason)


def total(counter: Counter) -> float:
    """What a counter without labels stands at."""
    samples = (sample for metric in counter.collect() for sample in metric.samples)
    return sum(float(sample.value) for sample in samples if sample.name.endswith("_total"))
