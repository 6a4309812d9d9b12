"""A timeline says what happened to a booking, in order, and nothing about its buyer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from protos.timeline import SENTENCES, sentence
from services.booking.consumer import CODES as HEARD_CODES
from services.booking.domain import Booking, NextAction, Order, Status
from services.booking.saga import CREATE_BOOKING
from services.booking.timeline import CODES, Heard, Logged, timeline
from services.booking.waited import Waited
from services.booking.wire import timeline_message
from services.kit.ids import new_id
from services.kit.invariants import Repair
from services.kit.money import Money

AT = datetime(2030, 1, 1, tzinfo=UTC)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ORDER = Order(
    booking_id=new_id(),
    user_id="somebody-in-particular",
    event_id=new_id(),
    seat_ids=("A-1-1",),
    payment_method="pm_secret_card",
    traceparent=f"00-{TRACE}-00f067aa0ba902b7-01",
    waited=Waited(number=7, queued_at=AT - timedelta(seconds=9), taken_at=AT - timedelta(seconds=1)),
)
BOOKING = Booking(order=ORDER, status=Status.PENDING, created_at=AT, updated_at=AT)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def log(*lines: tuple[float, str, str]) -> list[Logged]:
    return [Logged(at=after(at), entry=entry, reason=reason) for at, entry, reason in lines]


def heard(at: float, code: str, **more: object) -> Heard:
    return Heard(fact_id=new_id(), booking_id=BOOKING.id, at=after(at), code=code, **more)


def test_a_purchase_is_told_from_the_line_to_the_mail() -> None:
    logged = log((0, "seats", ""), (1, "payment", ""), (2, "confirm", ""), (3, "confirmed", ""))
    said = [
        heard(1.5, "payment-succeeded", about="p1", amount=Money(5000, "EUR")),
        heard(4, "mail-sent", about="tickets"),
    ]

    told = timeline(BOOKING, logged, said, ())

    assert [one.code for one in told.entries] == [
        *("queued", "taken", "reserving", "held", "charging", "payment-succeeded"),
        *("issuing", "confirmed", "mail-sent"),
    ]
    assert told.entries[0].number == 7
    assert told.entries[5].amount == Money(5000, "EUR")
    assert told.trace_id == TRACE


def test_a_declined_card_another_try_and_a_refund_are_told_with_their_reasons() -> None:
    logged = log((1, "payment", ""), (2, "undo-payment", "card-declined"), (4, "rejected", "card-declined"))
    said = [
        heard(3, "payment-succeeded", about="p1", amount=Money(5000, "EUR")),
        heard(2, "payment-failed", about="p1", reason="card-declined"),
        heard(5, "payment-refunded", about="p1", amount=Money(5000, "EUR")),
    ]

    told = timeline(BOOKING, logged, said, ())

    assert [(one.code, one.reason, one.attempt) for one in told.entries if one.attempt or one.reason] == [
        ("undoing-payment", "card-declined", 0),
        ("payment-failed", "card-declined", 1),
        ("payment-succeeded", "", 2),
        ("rejected", "card-declined", 0),
        ("payment-refunded", "", 2),
    ]


def test_seats_that_were_not_held_are_not_told_as_held() -> None:
    logged = log((0, "seats", ""), (1, "undo-seats", "seat-taken"), (2, "rejected", "seat-taken"))

    told = timeline(BOOKING, logged, (), ())

    assert "held" not in [one.code for one in told.entries]


def test_rests_waits_and_repairs_are_told() -> None:
    until = after(600)
    waiting = BOOKING.awaiting("p1", NextAction(type="redirect"), until=until, at=AT)
    repair = Repair(rule="paid_without_ticket", subject=BOOKING.id, found="f", done="d", ended_at=after(9))

    told = timeline(waiting, log((1, "rests", ""), (2, "awaiting_payment", "")), (), [repair])

    assert [(one.code, one.until, one.reason) for one in told.entries[2:]] == [
        ("rests", None, ""),
        ("waits-for-buyer", until, ""),
        ("repaired", None, "paid-without-ticket"),
    ]


def test_every_code_has_a_sentence() -> None:
    steps = {entry for step in CREATE_BOOKING for entry in (step.name, f"undo-{step.name}")}
    ends = {status.value.lower() for status in Status} - {"pending", "cancelling"}

    codes = {CODES.get(entry, entry) for entry in steps | ends | {"rests", "parked", "resumed"}} | HEARD_CODES.keys()

    assert codes <= SENTENCES.keys()
    assert sentence("something-new") == "Something new."


def test_neither_the_buyer_nor_the_card_is_in_a_timeline() -> None:
    said = [heard(1, "payment-failed", about="p1", reason="card-declined"), heard(2, "mail-sent", about="tickets")]

    message = str(timeline_message(timeline(BOOKING, log((0, "seats", "")), said, ())))

    assert "card-declined" in message
    assert ORDER.user_id not in message
    assert ORDER.payment_method not in message
