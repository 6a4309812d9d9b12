"""Orders and bookings: what is wanted, what became of it, and which turn may follow which."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.booking.refusals import MAX_ATTEMPTS, NotCancellable, NotPayable, TooManyCards
from services.booking.waited import Waited
from services.kit.errors import Invalid
from services.kit.ids import is_id
from services.kit.money import Money

MAX_PLACES: Final = 50
MAX_TEXT: Final = 200


class Status(enum.Enum):
    PENDING = "PENDING"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"


# What a buyer is told of a booking that waits for a person of ours.
DELAYED: Final = "delayed"
# … and of money that came when the seats were gone already.
PAID_TOO_LATE: Final = "paid-too-late"
PAY_AGAIN: Final = "pay_again"
# Where the saga is at work, or will be after a restart.
AT_WORK: Final = frozenset({Status.PENDING, Status.CANCELLING})


@dataclass(frozen=True, slots=True)
class Quantity:
    """Places wanted in a section without naming seats."""

    section_id: str
    quantity: int


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
    # Until when another card may be tried; the seats are held a little longer.
    expires_at: datetime | None = None
    tickets: tuple[Ticket, ...] = ()
    # Which try to pay this is, and the card of those after the first.
    attempt: int = 1
    payment_method: str = ""
    # No money is asked for any more: what is there counts.
    closing: bool = False
    # Money that came after the seats were given back holds them anew, under another key.
    hold: int = 1
    # Why nothing works on it until a person looks; empty: something does.
    parked: str = ""
    created_at: datetime
    updated_at: datetime

    @property
    def id(self) -> str:
        return self.order.booking_id

    @property
    def decided(self) -> bool:
        """The buyer can be told: nothing goes on without somebody acting."""
        return self.status not in AT_WORK

    @property
    def is_free(self) -> bool:
        """Of charge."""
        return self.total is not None and self.total.minor == 0

    @property
    def card(self) -> str:
        """The PSP's token of the card of this attempt."""
        return self.payment_method or self.order.payment_method

    @property
    def wanted(self) -> Order:
        """The order; of a booking that had its places before, those very places."""
        if self.hold == 1 or not self.places:
            return self.order
        standing = Counter(place.section_id for place in self.places if not place.seat_id)
        return replace(
            self.order,
            seat_ids=tuple(place.seat_id for place in self.places if place.seat_id),
            quantities=tuple(Quantity(section_id, count) for section_id, count in standing.items()),
        )

    def waits_for(self, payment_method: str) -> bool:
        """Its buyer has to act, at the bank, before that card is charged."""
        return self.status is Status.AWAITING_PAYMENT and self.card == payment_method and not self.reason

    def may_pay_again(self, *, at: datetime) -> bool:
        return self.expires_at is not None and at < self.expires_at

    def holding(self, places: Sequence[Place], total: Money) -> Booking:
        return replace(self, places=tuple(places), total=total)

    def charged(self, payment_id: str) -> Booking:
        return replace(self, payment_id=payment_id, next_action=None, expires_at=None, closing=False)

    def awaiting(self, payment_id: str, action: NextAction, *, until: datetime, at: datetime) -> Booking:
        return replace(
            self,
            status=Status.AWAITING_PAYMENT,
            reason="",
            payment_id=payment_id,
            next_action=action,
            expires_at=until,
            closing=False,
            updated_at=at,
        )

    def declined(self, reason: str, *, at: datetime) -> Booking:
        """Waits for another card for as long as the seats are held."""
        waiting = replace(self, status=Status.AWAITING_PAYMENT, reason=reason, closing=False, updated_at=at)
        return replace(waiting, next_action=NextAction(type=PAY_AGAIN))

    def resumed(self, *, at: datetime) -> Booking:
        """Back to work after the buyer acted."""
        return replace(self, status=Status.PENDING, reason="", next_action=None, updated_at=at)

    def paying(self, payment_method: str, *, at: datetime) -> Booking:
        """Another card. Refuses `booking-not-payable` when its time is over, `too-many-cards`."""
        if not self.may_pay_again(at=at):
            raise NotPayable
        if self.attempt >= MAX_ATTEMPTS:
            raise TooManyCards
        return replace(self.resumed(at=at), attempt=self.attempt + 1, payment_method=payment_method)

    def overdue(self, *, at: datetime) -> Booking:
        """Nobody may pay any more; who has paid in the last moment gets the tickets."""
        return replace(self.resumed(at=at), closing=True)

    def paid_late(self, payment_id: str, *, at: datetime) -> Booking:
        """Money came for a payment that had failed: back to work, to claim it and what it was for.

        As another attempt, so that nothing that was sent to undo the earlier one can undo this.
        """
        hold = self.hold + 1 if self.status is Status.REJECTED else self.hold
        return replace(self.overdue(at=at), attempt=self.attempt + 1, hold=hold, payment_id=payment_id)

    def confirmed(self, tickets: Sequence[Ticket], *, at: datetime) -> Booking:
        return replace(self, status=Status.CONFIRMED, tickets=tuple(tickets), reason="", updated_at=at)

    def rejected(self, reason: str, *, at: datetime) -> Booking:
        return replace(
            self, status=Status.REJECTED, reason=reason, tickets=(), next_action=None, expires_at=None, updated_at=at
        )

    def cancelling(self, reason: str, *, at: datetime) -> Booking:
        """Refuses what was never sold: only what is paid, or waits to be, can be cancelled."""
        if self.status not in {Status.CONFIRMED, Status.AWAITING_PAYMENT}:
            raise NotCancellable(self.status.value)
        return replace(self, status=Status.CANCELLING, reason=reason, next_action=None, expires_at=None, updated_at=at)

    def cancelled(self, *, at: datetime) -> Booking:
        return replace(self, status=Status.CANCELLED, tickets=(), expires_at=None, updated_at=at)

    def turned_back(self, reason: str, *, at: datetime) -> Booking:
        """On its way to be rejected. Who had been told no, and paid, is told that the money goes back."""
        if self.hold > 1:
            return replace(self, status=Status.CANCELLING, reason=PAID_TOO_LATE, updated_at=at)
        return replace(self, status=Status.PENDING, reason=reason, updated_at=at)


def checked_card(payment_method: str) -> str:
    """A PSP's token, as far as one can be told from the outside."""
    _require(_plain(payment_method), f"payment_method: must be 1 to {MAX_TEXT} plain characters")
    return payment_method


def _plain(text: str) -> bool:
    return 0 < len(text) <= MAX_TEXT and text.isprintable()


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Invalid(otherwise)
