"""Orders and bookings: what is wanted, what became of it, and which turn may follow which."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.kit.errors import Invalid, Kind, Refusal
from services.kit.ids import is_id
from services.kit.money import Money

MAX_PLACES: Final = 50
MAX_TEXT: Final = 200


class UnknownBooking(Refusal):
    kind, reason = Kind.MISSING, "unknown-booking"

    def __init__(self) -> None:
        super().__init__("no such booking")


class BookingIdReused(Refusal):
    kind, reason = Kind.CONFLICT, "booking-id-reused"

    def __init__(self) -> None:
        super().__init__("that booking id came with another order before")


class NotCancellable(Refusal):
    kind, reason = Kind.CONFLICT, "booking-not-cancellable"

    def __init__(self, status: Status) -> None:
        super().__init__(f"a booking that is {status.value.lower()} can not be cancelled")


class Status(enum.Enum):
    PENDING = "PENDING"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"


# Where the saga is at work, or will be after a restart.
AT_WORK: Final = frozenset({Status.PENDING, Status.CANCELLING})


@dataclass(frozen=True, slots=True)
class Quantity:
    """Places wanted in a section without naming seats."""

    section_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """An order's way through the line of its event."""

    number: int
    queued_at: datetime
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a buyer asks for. The same booking id always carries the same order."""

    booking_id: str
    user_id: str
    event_id: str
    seat_ids: tuple[str, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    # The PSP's token; empty: the buyer pays later.
    payment_method: str = ""
    traceparent: str = ""
    # None: it came past the queue.
    waited: Waited | None = None

    def checked(self) -> Order:
        """This order, if it can be worked at all. Refuses `invalid-argument` naming the field."""
        _require(is_id(self.booking_id), "booking_id: must be a UUID")
        for name in ("user_id", "event_id"):
            _require(_plain(getattr(self, name)), f"{name}: must be 1 to {MAX_TEXT} plain characters")
        for text in (*self.seat_ids, *(one.section_id for one in self.quantities)):
            _require(_plain(text), "seat_ids, section_id: must be plain words")
        _require(not self.payment_method or _plain(self.payment_method), "payment_method: must be a plain word")
        _require(all(one.quantity > 0 for one in self.quantities), "quantity: must be at least 1")
        _require(1 <= self.places <= MAX_PLACES, f"seat_ids, quantities: must be 1 to {MAX_PLACES} places together")
        _require(len(set(self.seat_ids)) == len(self.seat_ids), "seat_ids: must not repeat")
        return self

    @property
    def places(self) -> int:
        return len(self.seat_ids) + sum(one.quantity for one in self.quantities)

    def same_as(self, other: Order) -> bool:
        """Whether this is the order sent again; its trace, and how it waited, do not matter."""
        return replace(self, traceparent="", waited=None) == replace(other, traceparent="", waited=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place of a booking; seat_id is empty for standing room."""

    seat_id: str
    section_id: str
    label: str
    price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    ticket_id: str
    place: Place
    qr_payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAction:
    """What the buyer has to do before the money can move."""

    type: str
    url: str = ""
    client_secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """An order and all that is known of what became of it."""

    order: Order
    status: Status
    reason: str = ""
    places: tuple[Place, ...] = ()
    total: Money | None = None
    payment_id: str = ""
    next_action: NextAction | None = None
    expires_at: datetime | None = None
    tickets: tuple[Ticket, ...] = ()
    created_at: datetime
    updated_at: datetime

    @property
    def id(self) -> str:
        return self.order.booking_id

    @property
    def decided(self) -> bool:
        """The buyer can be told: nothing goes on without somebody acting."""
        return self.status not in AT_WORK

    def holding(self, places: Sequence[Place], total: Money) -> Booking:
        return replace(self, places=tuple(places), total=total)

    def charged(self, payment_id: str) -> Booking:
        return replace(self, payment_id=payment_id, next_action=None, expires_at=None)

    def awaiting(self, payment_id: str, action: NextAction, *, until: datetime, at: datetime) -> Booking:
        return replace(
            self,
            status=Status.AWAITING_PAYMENT,
            payment_id=payment_id,
            next_action=action,
            expires_at=until,
            updated_at=at,
        )

    def resumed(self, *, at: datetime) -> Booking:
        """Back to work after the buyer acted."""
        return replace(self, status=Status.PENDING, next_action=None, expires_at=None, updated_at=at)

    def confirmed(self, tickets: Sequence[Ticket], *, at: datetime) -> Booking:
        return replace(self, status=Status.CONFIRMED, tickets=tuple(tickets), reason="", updated_at=at)

    def rejected(self, reason: str, *, at: datetime) -> Booking:
        return replace(
            self, status=Status.REJECTED, reason=reason, tickets=(), next_action=None, expires_at=None, updated_at=at
        )

    def cancelling(self, reason: str, *, at: datetime) -> Booking:
        """Refuses what was never sold: only what is paid, or waits to be, can be cancelled."""
        if self.status not in {Status.CONFIRMED, Status.AWAITING_PAYMENT}:
            raise NotCancellable(self.status)
        return replace(self, status=Status.CANCELLING, reason=reason, next_action=None, expires_at=None, updated_at=at)

    def cancelled(self, *, at: datetime) -> Booking:
        return replace(self, status=Status.CANCELLED, tickets=(), updated_at=at)


def _plain(text: str) -> bool:
    return 0 < len(text) <= MAX_TEXT and text.isprintable()


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Invalid(otherwise)
