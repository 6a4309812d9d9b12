"""A booking beside its seats, its money and its mail, in three services' books: what of it can not be true together.

Pure: everything comes as an argument. What is younger than the grace is on its way, and nothing is said about it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.booking.domain import AT_WORK, Booking, Status
from services.kit.invariants import Violation
from services.kit.money import Money

PAID_WITHOUT_TICKET: Final = "paid_without_ticket"
SOLD_WITHOUT_PAYMENT: Final = "sold_without_payment"
CONFIRMED_WITHOUT_SEATS: Final = "confirmed_without_seats"
SEATS_WITHOUT_BOOKING: Final = "seats_without_booking"
CONFIRMED_WITHOUT_MAIL: Final = "confirmed_without_mail"
BOOKINGS_STUCK: Final = "bookings_stuck"
SOLD_FOR_CANCELLED_EVENT: Final = "sold_for_cancelled_event"

PROMISES: Final = {
    PAID_WITHOUT_TICKET: "money that was taken became a ticket, or went back",
    SOLD_WITHOUT_PAYMENT: "every confirmed booking is paid, by what it costs",
    CONFIRMED_WITHOUT_SEATS: "every confirmed booking has its seats sold to it, and a valid ticket for each",
    SEATS_WITHOUT_BOOKING: "seats are held and sold for bookings alone that may have them",
    CONFIRMED_WITHOUT_MAIL: "the tickets of every confirmed booking were mailed",
    BOOKINGS_STUCK: "every booking is decided before long",
    SOLD_FOR_CANCELLED_EVENT: "no booking of a cancelled event stays confirmed, or waits for a payment",
}


class Cure(enum.Enum):
    """What may be done about it safely: each is idempotent by its key, and undoes only what nobody is owed."""

    UNDO_PAYMENT = "the payment was undone: given back, or never charged"
    RELEASE_SEATS = "the seats were given back"
    MAIL_AGAIN = "the mail was asked for again"
    CANCEL_ANEW = "the bookings of its event were looked for anew, to be cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """A hold that has places, in ticket's books."""

    key: str
    event_id: str
    # Else held.
    sold: bool
    places: int
    # Valid tickets.
    tickets: int
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """A payment that took money or may still, in payment's books."""

    key: str
    payment_id: str
    # The PSP has the buyer's money, as far as it did not give it back.
    captured: bool
    amount: Money
    refunded_minor: int
    updated_at: datetime
    # Which try of the payment that is; a later one is another matter.
    attempt: int = 1

    @property
    def kept_minor(self) -> int:
        return self.amount.minor - self.refunded_minor if self.captured else 0


class Mailed(enum.Enum):
    NO = "not mailed"
    FAILED = "mail failed"
    YES = "mailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that is known of one booking. None: booking itself does not know it."""

    booking_id: str
    booking: Booking | None
    seats: Sequence[Seats] = ()
    payments: Sequence[Paid] = ()
    mailed: Mailed = Mailed.NO
    # When booking heard of it; None: the event takes place.
    event_cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong(Violation):
    """Its subject is the booking's id."""

    # None: not safe; a person has to look.
    cure: Cure | None = None
    # Of the payment or hold that is cured.
    key: str = ""
    attempt: int = 0
    event_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graces:
    """How old a contradiction is before it is one."""

    # A late payment waits a minute for somebody who still wants it.
    usual: timedelta = timedelta(seconds=120)
    mail: timedelta = timedelta(minutes=10)
    work: timedelta = timedelta(minutes=10)

    def at_most(self, seconds: int) -> Graces:
        """These, but none longer than that; 0: these."""
        if seconds <= 0:
            return self
        most = timedelta(seconds=seconds)
        return Graces(usual=min(self.usual, most), mail=min(self.mail, most), work=min(self.work, most))


def judge(case: Case, graces: Graces, *, now: datetime) -> Sequence[Wrong]:
    """What is wrong with it."""
    booking = case.booking
    if booking is not None and booking.updated_at > now - graces.usual:
        return ()
    found = [*_money(case), *_seats(case)]
    if booking is not None:
        found += [*_mail(case, booking, now - graces.mail), *_work(booking, graces, now), *_event(case, booking)]
    old_enough = now - graces.usual
    return [one for one in found if one.since is None or one.since <= old_enough]


def _money(case: Case) -> Iterator[Wrong]:
    booking, kept = case.booking, [paid for paid in case.payments if paid.kept_minor > 0]
    if booking is not None and booking.status is Status.CONFIRMED:
        yield from _paid_for(booking, kept)
        return
    over = booking is not None and booking.status in {Status.REJECTED, Status.CANCELLED}
    state = "unknown" if booking is None else booking.status.value.lower()
    for paid in kept:
        yield Wrong(
            invariant=PAID_WITHOUT_TICKET,
            subject=case.booking_id,
            what=f"{paid.kept_minor} {paid.amount.currency} were kept, and the booking is {state}",
            since=max(paid.updated_at, booking.updated_at) if booking is not None and over else paid.updated_at,
            cure=Cure.UNDO_PAYMENT if over else None,
            key=paid.key,
            attempt=paid.attempt,
        )


def _paid_for(booking: Booking, kept: Sequence[Paid]) -> Iterator[Wrong]:
    if booking.total is None:
        return
    # What support gave back of it is no less paid.
    paid = [one.amount for one in kept]
    if sum(one.minor for one in paid) == booking.total.minor and {one.currency for one in paid} <= {
        booking.total.currency
    }:
        return
    said = " and ".join(f"{one.minor} {one.currency}" for one in paid) or "nothing"
    too_much = sum(one.minor for one in paid) > booking.total.minor
    yield Wrong(
        invariant=PAID_WITHOUT_TICKET if too_much else SOLD_WITHOUT_PAYMENT,
        subject=booking.id,
        what=f"{said} was paid for {booking.total.minor} {booking.total.currency}",
        since=booking.updated_at,
    )


def _seats(case: Case) -> Iterator[Wrong]:
    booking = case.booking
    if booking is not None and booking.status is Status.CONFIRMED:
        sold = [one for one in case.seats if one.sold]
        if [(one.places, one.tickets) for one in sold] != [(len(booking.places), len(booking.places))]:
            has = " and ".join(f"{one.places} seats with {one.tickets} tickets" for one in sold) or "no seats"
            what = f"has {has}, and should have {len(booking.places)}"
            yield Wrong(invariant=CONFIRMED_WITHOUT_SEATS, subject=booking.id, what=what, since=booking.updated_at)
        return
    if booking is not None and booking.status not in {Status.REJECTED, Status.CANCELLED}:
        return
    state = "unknown" if booking is None else booking.status.value.lower()
    for one in case.seats:
        yield Wrong(
            invariant=SEATS_WITHOUT_BOOKING,
            subject=case.booking_id,
            what=f"{one.places} places are {'sold' if one.sold else 'held'}, and the booking is {state}",
            since=one.made_at if booking is None else max(one.made_at, booking.updated_at),
            cure=None if booking is None else Cure.RELEASE_SEATS,
            key=one.key,
            event_id=one.event_id,
        )


def _mail(case: Case, booking: Booking, before: datetime) -> Iterator[Wrong]:
    if booking.status is Status.CONFIRMED and case.mailed is not Mailed.YES and booking.updated_at <= before:
        yield Wrong(
            invariant=CONFIRMED_WITHOUT_MAIL,
            subject=booking.id,
            what=f"confirmed, and {case.mailed.value}",
            since=booking.updated_at,
            # One that failed would fail again: somebody has to look at the address.
            cure=Cure.MAIL_AGAIN if case.mailed is Mailed.NO else None,
        )


def _event(case: Case, booking: Booking) -> Iterator[Wrong]:
    off_at = case.event_cancelled_at
    if off_at is not None and booking.status in {Status.CONFIRMED, Status.AWAITING_PAYMENT}:
        yield Wrong(
            invariant=SOLD_FOR_CANCELLED_EVENT,
            subject=booking.id,
            what=f"is {booking.status.value.lower()}, and its event is cancelled",
            since=max(booking.updated_at, off_at),
            cure=Cure.CANCEL_ANEW,
            event_id=booking.order.event_id,
        )


def _work(booking: Booking, graces: Graces, now: datetime) -> Iterator[Wrong]:
    what, since = "", booking.updated_at
    if booking.status in AT_WORK:
        what = f"is {booking.status.value.lower()} and not decided"
    elif booking.status is Status.AWAITING_PAYMENT and booking.expires_at is not None:
        what, since = "waits for a payment although its time is over", booking.expires_at
    if what and since <= now - graces.work:
        yield Wrong(invariant=BOOKINGS_STUCK, subject=booking.id, what=what, since=since)
