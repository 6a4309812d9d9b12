"""A booking beside its seats, its money and its mail: what can not be true together, and what is only on its way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.booking.domain import Booking, NextAction, Order, Place, Status, Ticket
from services.booking.judging import (
    BOOKINGS_STUCK,
    CONFIRMED_WITHOUT_MAIL,
    CONFIRMED_WITHOUT_SEATS,
    PAID_WITHOUT_TICKET,
    PROMISES,
    SEATS_WITHOUT_BOOKING,
    SOLD_FOR_CANCELLED_EVENT,
    SOLD_WITHOUT_PAYMENT,
    Case,
    Cure,
    Graces,
    Mailed,
    Paid,
    Seats,
    judge,
)
from services.kit.ids import new_id
from services.kit.money import Money

AT = datetime(2030, 1, 1, tzinfo=UTC)
LATER = AT + timedelta(minutes=30)
PRICE = Money(5000, "EUR")
PLACE = Place(seat_id="A-1-1", section_id="A", label="Seat", price=PRICE)
ID = new_id()
PENDING = Booking(
    order=Order(booking_id=ID, user_id="u", event_id="e", seat_ids=("A-1-1",)),
    status=Status.PENDING,
    created_at=AT,
    updated_at=AT,
).holding([PLACE], PRICE)
CONFIRMED = PENDING.charged("p").confirmed([Ticket(ticket_id="t", place=PLACE, qr_payload="q")], at=AT)
REJECTED = PENDING.rejected("card-declined", at=AT)
CANCELLED = CONFIRMED.cancelling("cancelled-by-buyer", at=AT).cancelled(at=AT)
WAITING = PENDING.awaiting("p", NextAction(type="redirect"), until=LATER + timedelta(minutes=5), at=AT)
SOLD = Seats(key=f"{ID}/seats", event_id="e", sold=True, places=1, tickets=1, made_at=AT)
HELD = replace(SOLD, sold=False, tickets=0)
PAID = Paid(key=f"{ID}/payment", payment_id="p", captured=True, amount=PRICE, refunded_minor=0, updated_at=AT)
REFUNDED = replace(PAID, captured=False, refunded_minor=5000)
RIGHT = Case(booking_id=ID, booking=CONFIRMED, seats=[SOLD], payments=[PAID], mailed=Mailed.YES)


def wrong(case: Case, *, now: datetime = LATER) -> list[tuple[str, Cure | None]]:
    return [(one.invariant, one.cure) for one in judge(case, Graces(), now=now)]


@pytest.mark.parametrize(
    "case",
    [
        RIGHT,
        replace(RIGHT, booking=REJECTED, seats=[], payments=[]),
        replace(RIGHT, booking=REJECTED, seats=[], payments=[REFUNDED]),
        replace(RIGHT, booking=CANCELLED, seats=[], payments=[REFUNDED]),
        replace(RIGHT, booking=CANCELLED, seats=[], payments=[REFUNDED], event_cancelled_at=AT),
        replace(RIGHT, booking=WAITING, seats=[HELD], payments=[replace(PAID, captured=False)], mailed=Mailed.NO),
        # Support gave a part back.
        replace(RIGHT, payments=[replace(PAID, refunded_minor=1000)]),
        # It cost nothing.
        replace(RIGHT, booking=CONFIRMED.holding([PLACE], Money(0, "EUR")), payments=[]),
    ],
)
def test_what_agrees_is_right(case: Case) -> None:
    assert wrong(case) == []


@pytest.mark.parametrize(
    ("case", "invariant", "cure"),
    [
        (replace(RIGHT, booking=REJECTED, seats=[]), PAID_WITHOUT_TICKET, Cure.UNDO_PAYMENT),
        (replace(RIGHT, booking=CANCELLED, seats=[]), PAID_WITHOUT_TICKET, Cure.UNDO_PAYMENT),
        (
            replace(RIGHT, booking=CANCELLED, seats=[], payments=[replace(PAID, refunded_minor=10)]),
            PAID_WITHOUT_TICKET,
            Cure.UNDO_PAYMENT,
        ),
        (replace(RIGHT, booking=WAITING, seats=[HELD]), PAID_WITHOUT_TICKET, None),
        (replace(RIGHT, booking=None, seats=[]), PAID_WITHOUT_TICKET, None),
        (replace(RIGHT, payments=[PAID, replace(PAID, payment_id="p2")]), PAID_WITHOUT_TICKET, None),
        (replace(RIGHT, payments=[]), SOLD_WITHOUT_PAYMENT, None),
        (replace(RIGHT, payments=[REFUNDED]), SOLD_WITHOUT_PAYMENT, None),
        (replace(RIGHT, payments=[replace(PAID, amount=Money(4000, "EUR"))]), SOLD_WITHOUT_PAYMENT, None),
        (replace(RIGHT, payments=[replace(PAID, amount=Money(5000, "USD"))]), SOLD_WITHOUT_PAYMENT, None),
        (replace(RIGHT, seats=[]), CONFIRMED_WITHOUT_SEATS, None),
        (replace(RIGHT, seats=[HELD]), CONFIRMED_WITHOUT_SEATS, None),
        (replace(RIGHT, seats=[replace(SOLD, tickets=0)]), CONFIRMED_WITHOUT_SEATS, None),
        (replace(RIGHT, seats=[SOLD, SOLD]), CONFIRMED_WITHOUT_SEATS, None),
        (replace(RIGHT, booking=REJECTED, payments=[], seats=[HELD]), SEATS_WITHOUT_BOOKING, Cure.RELEASE_SEATS),
        (replace(RIGHT, booking=CANCELLED, payments=[], seats=[SOLD]), SEATS_WITHOUT_BOOKING, Cure.RELEASE_SEATS),
        (replace(RIGHT, booking=None, payments=[], seats=[HELD]), SEATS_WITHOUT_BOOKING, None),
        (replace(RIGHT, mailed=Mailed.NO), CONFIRMED_WITHOUT_MAIL, Cure.MAIL_AGAIN),
        (replace(RIGHT, mailed=Mailed.FAILED), CONFIRMED_WITHOUT_MAIL, None),
        (replace(RIGHT, booking=PENDING, seats=[HELD], payments=[]), BOOKINGS_STUCK, None),
        (replace(RIGHT, booking=replace(WAITING, expires_at=AT), seats=[], payments=[]), BOOKINGS_STUCK, None),
        (replace(RIGHT, event_cancelled_at=AT), SOLD_FOR_CANCELLED_EVENT, Cure.CANCEL_ANEW),
        (
            replace(RIGHT, booking=WAITING, seats=[HELD], payments=[], event_cancelled_at=AT),
            SOLD_FOR_CANCELLED_EVENT,
            Cure.CANCEL_ANEW,
        ),
    ],
)
def test_what_can_not_be_true_is_wrong_and_cured_only_where_that_is_safe(
    case: Case, invariant: str, cure: Cure | None
) -> None:
    assert wrong(case) == [(invariant, cure)]


def test_every_promise_can_be_broken() -> None:
    broken = {
        PAID_WITHOUT_TICKET,
        SOLD_WITHOUT_PAYMENT,
        CONFIRMED_WITHOUT_SEATS,
        SEATS_WITHOUT_BOOKING,
        CONFIRMED_WITHOUT_MAIL,
        BOOKINGS_STUCK,
        SOLD_FOR_CANCELLED_EVENT,
    }

    assert broken == PROMISES.keys()


def test_what_is_on_its_way_is_not_wrong() -> None:
    soon = AT + timedelta(seconds=60)

    assert wrong(replace(RIGHT, booking=REJECTED), now=soon) == []
    assert wrong(replace(RIGHT, booking=None), now=soon) == []
    assert wrong(replace(RIGHT, booking=REJECTED, seats=[], payments=[replace(PAID, updated_at=LATER)])) == []
    assert wrong(replace(RIGHT, mailed=Mailed.NO), now=AT + timedelta(minutes=5)) == []
    assert wrong(replace(RIGHT, event_cancelled_at=LATER)) == []


def test_a_violation_says_since_when_and_names_nobody() -> None:
    (found,) = judge(replace(RIGHT, booking=REJECTED, seats=[]), Graces(), now=LATER)

    assert found.since == AT
    assert found.subject == ID
    assert found.what == "5000 EUR were kept, and the booking is rejected"


def test_a_shorter_grace_may_be_asked_for_and_no_longer_one() -> None:
    assert Graces().at_most(10).mail == timedelta(seconds=10)
    assert Graces().at_most(10**6) == Graces().at_most(0) == Graces()
