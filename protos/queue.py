"""The contract between gateway and booking-worker in Redis: the names of the queue's keys and fields.

One stream an event, `booking-queue:<event id>`; an entry is one order. Both sides treat all values as bytes.
"""

from typing import Final

# Consumer group of every stream. Whichever worker holds the event's lease is its one consumer.
GROUP: Final = "booking-workers"
CONSUMER: Final = "worker"

# Fields of a stream entry.
ORDER: Final = "order"  # booking.CreateBookingRequest, serialised
AGAIN: Final = "again"  # there when the order was sent back from the dead letters
NUMBER: Final = "number"  # the order's place in line: 1, 2, 3 … within its event, without gaps

# Fields of a dead entry, beside those it had as far as they could be read.
DEAD_REASON: Final = "reason"
DEAD_ENTRY: Final = "entry"  # its id in the stream it came from
DEAD_TRIES: Final = "tries"

# Sets of event ids: those that have orders without an outcome, and those that have dead entries.
EVENTS: Final = "booking-queues"
DEAD_EVENTS: Final = "booking-queues-dead"

# Sorted set of the instances of workers that live, by when each last said so (milliseconds of Redis' clock).
WORKERS: Final = "booking-queue-workers"

# What the gateway remembers of an order until booking knows it (hash, kept for a day).
RECORD_USER: Final = "user_id"
RECORD_EVENT: Final = "event_id"
RECORD_NUMBER: Final = "number"
RECORD_QUEUED_AT: Final = "queued_at"  # milliseconds since the epoch
# `1` once its owner has cancelled it while it waited: the worker does not work it.
RECORD_CANCELLED: Final = "cancelled"
# What the worker decided by itself, for an order that booking never knew: REJECTED or CANCELLED, and a reason's slug.
RECORD_STATUS: Final = "status"
RECORD_REASON: Final = "reason"

# Where auth publishes the keys that verify access tokens (JSON Web Key Set), for services that do not call auth.
JWKS: Final = "auth:jwks"


def stream(event_id: str) -> str:
    """The orders of an event, in the order they came."""
    return f"booking-queue:{event_id}"


def last_number(event_id: str) -> str:
    """Counter: the last place in line given out."""
    return f"booking-queue-number:{event_id}"


def served(event_id: str) -> str:
    """Number: every order up to this place in line has its outcome."""
    return f"booking-queue-served:{event_id}"


def lease(event_id: str) -> str:
    """Who works this event's queue: an instance and which life of it; expires by itself."""
    return f"booking-queue-lease:{event_id}"


def latest_life(instance: str) -> str:
    """Of the worker of that name, just after it started."""
    return f"booking-queue-life:{instance}"


def record(booking_id: str) -> str:
    return f"booking-queue-record:{booking_id}"


def dead(event_id: str) -> str:
    """Stream: entries that could not be worked, with their fields and why; the newest thousand or so."""
    return f"booking-queue-dead:{event_id}"
