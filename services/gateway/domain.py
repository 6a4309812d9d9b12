"""An order at the door: what it asks for, and whether the event it asks can be asked for that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from services.kit.errors import Invalid, Kind, NotNow, Refusal

MAX_PLACES: Final = 50
_KEY: Final = re.compile("[!-~]{1,255}")


class UnknownEvent(Refusal):
    kind, reason = Kind.MISSING, "unknown-event"

    def __init__(self) -> None:
        super().__init__("no event of that id is on sale")


class EventIsCancelled(Refusal):
    kind, reason = Kind.CONFLICT, "event-cancelled"

    def __init__(self) -> None:
        super().__init__("the event has been cancelled")


class SaleNotOpen(Refusal):
    kind, reason = Kind.CONFLICT, "sale-not-open"

    def __init__(self, opens_at: datetime, *, now: datetime) -> None:
        super().__init__(f"the sale opens at {opens_at.isoformat()}")
        self.retry_after_s = max(1.0, (opens_at - now).total_seconds())


class UnknownSeat(Refusal):
    kind, reason = Kind.INVALID, "unknown-seat"

    def __init__(self, seat_id: str) -> None:
        super().__init__(f"seats: the event has no seat {seat_id!r}")


class UnknownSection(Refusal):
    kind, reason = Kind.INVALID, "unknown-section"

    def __init__(self, section_id: str) -> None:
        super().__init__(f"areas: the event has no section {section_id!r}")


class TooManyPlaces(Refusal):
    kind, reason = Kind.INVALID, "too-many-places"

    def __init__(self, most: int) -> None:
        super().__init__(f"one booking of this event holds at most {most} places")


class UnknownBooking(Refusal):
    kind, reason = Kind.MISSING, "unknown-booking"

    def __init__(self) -> None:
        super().__init__("no such booking of yours")


class NotCancellable(Refusal):
    kind, reason = Kind.CONFLICT, "booking-not-cancellable"

    def __init__(self) -> None:
        super().__init__("a booking that was not sold can not be cancelled")


class StillAtWork(NotNow):
    """As booking says it of what it is deciding."""

    reason, retry_after_s = "still-at-work", 2.0

    def __init__(self) -> None:
        super().__init__("the booking is being decided at this moment")


class NotPayable(Refusal):
    kind, reason = Kind.CONFLICT, "booking-not-payable"

    def __init__(self) -> None:
        super().__init__("the booking does not wait for a payment")


class KeyReused(Refusal):
    kind, reason = Kind.INVALID, "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key came with another body before")


class QueueFull(NotNow):
    reason, retry_after_s = "queue-full", 5.0

    def __init__(self) -> None:
        super().__init__("the queue of this event is full")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a buyer wants; checked in itself, not yet against the event."""

    booking_id: str
    user_id: str
    event_id: str
    seats: tuple[str, ...]
    # Section → how many.
    areas: Mapping[str, int]
    payment_method: str
    # Empty: sending it twice is ordering twice.
    idempotency_key: str
    # Of the body, so that a key can not be reused for another order.
    digest: str
    traceparent: str
    # auth's word that the buyer is there; empty where the mesh asks for none.
    word: str = field(default="", repr=False)

    @property
    def places(self) -> int:
        return len(self.seats) + sum(self.areas.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class OnSale:
    """What the door has to know of a public event."""

    event_id: str
    cancelled: bool
    sale_starts_at: datetime | None
    max_per_booking: int
    sections: frozenset[str]
    # (section, row) → how many seats; seats are numbered from 1.
    rows: Mapping[tuple[str, str], int]

    def admit(self, order: Order, *, now: datetime) -> None:
        """Refuse an order that could never be served, so that it takes nobody's place in line."""
        if self.cancelled:
            raise EventIsCancelled
        if self.sale_starts_at is not None and now < self.sale_starts_at:
            raise SaleNotOpen(self.sale_starts_at, now=now)
        for seat_id in order.seats:
            if not self.has_seat(seat_id):
                raise UnknownSeat(seat_id)
        for section_id in order.areas:
            if section_id not in self.sections:
                raise UnknownSection(section_id)
        if order.places > self.max_per_booking:
            raise TooManyPlaces(self.max_per_booking)

    def has_seat(self, seat_id: str) -> bool:
        section, _, rest = seat_id.partition("-")
        row, _, number = rest.partition("-")
        # Only the one way to write a number: `A-1-01` would be another name for `A-1-1`.
        if not (number.isascii() and number.isdigit()) or number[0] == "0" or len(number) > 6:
            return False
        return int(number) <= self.rows.get((section, row), 0)


@dataclass(frozen=True, slots=True)
class InLine:
    """A place in the queue of an event."""

    number: int
    # Every number up to this one has been served.
    served: int

    @property
    def now_serving(self) -> int:
        return min(self.served, self.number)

    @property
    def ahead(self) -> int:
        return max(0, self.number - self.served - 1)

    @property
    def is_served(self) -> bool:
        return self.served >= self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """An order that waits, or waited, in line."""

    booking_id: str
    user_id: str
    event_id: str
    line: InLine
    queued_at: datetime
    # Its owner does not want it any more; the worker will see that.
    cancelled: bool = False
    # What the worker recorded of an order that booking never knew, and why.
    ended: Literal["rejected", "cancelled"] | None = None
    reason: str = ""

    @property
    def status(self) -> Literal["queued", "cancelling", "cancelled", "rejected"]:
        if self.ended is not None:
            return self.ended
        if not self.cancelled:
            return "queued"
        return "cancelled" if self.line.is_served else "cancelling"


def checked_places(seats: tuple[str, ...], areas: Mapping[str, int], *, area_count: int) -> None:
    """Refuse an order that no event could serve. `area_count`: how many areas were named, before equal ones met."""
    if len(set(seats)) != len(seats):
        raise Invalid("seats: a seat is named twice")
    if area_count != len(areas):
        raise Invalid("areas: a section is named twice")
    if not 1 <= len(seats) + sum(areas.values()) <= MAX_PLACES:
        raise Invalid(f"seats, areas: must be 1 to {MAX_PLACES} places together")


def checked_key(key: str) -> str:
    """The Idempotency-Key, if it is one."""
    if not _KEY.fullmatch(key):
        raise Invalid("Idempotency-Key: must be 1 to 255 visible ASCII characters")
    return key
