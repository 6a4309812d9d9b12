"""What browsers read of bookings and payments, and what they are told once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from google.protobuf.message import Message

from protos.gen import booking_pb2, payment_pb2, ticket_pb2
from protos.gen import messages_pb2 as messages
from services.kit.bus.facts import Fact
from services.kit.ids import new_id
from services.realtime.consumer import FactsConsumer
from services.realtime.domain import parsed_cursor
from services.realtime.handlers import RealtimeHandlers
from services.realtime.hub import Hub
from services.realtime.news import booking_fact, booking_news, payment_news
from tests.twins.exchange import MemoryExchange

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def fact(topic: str, body: Message, *, age: timedelta = timedelta()) -> Fact:
    return Fact(
        id=new_id(),
        topic=topic,
        key="k",
        type=body.DESCRIPTOR.full_name,
        body=body.SerializeToString(),
        time=NOW - age,
    )


def test_a_booking_is_told_with_its_tickets_and_next_action() -> None:
    place = ticket_pb2.Place(seat_id="A1", section_id="A", label="1", price={"minor": 1250, "currency": "EUR"})
    booking = booking_pb2.Booking(
        booking_id="b",
        event_id="e",
        status=booking_pb2.AWAITING_PAYMENT,
        places=[place],
        total={"minor": 1250, "currency": "EUR"},
        payment_id="p",
        next_action={"type": "redirect", "url": "https://bank.example", "client_secret": "s"},
        tickets=[ticket_pb2.Ticket(ticket_id="t", qr_payload="q", place=place)],
    )
    booking.expires_at.FromDatetime(NOW)

    message = booking_news("u", booking)

    told_place = {"seat_id": "A1", "section_id": "A", "label": "1", "price": {"amount": 1250, "currency": "EUR"}}
    assert msgspec.json.decode(message.body) == {
        "id": "b",
        "event_id": "e",
        "status": "awaiting_payment",
        "reason": None,
        "places": [told_place],
        "total": {"amount": 1250, "currency": "EUR"},
        "payment_id": "p",
        "next_action": {"type": "redirect", "url": "https://bank.example", "client_secret": "s"},
        "expires_at": "2030-01-01T00:00:00Z",
        "tickets": [{"id": "t", "place": told_place, "qr_payload": "q"}],
        "queue": None,
        "created_at": None,
        "updated_at": None,
    }


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("CONFIRMED", messages.BookingConfirmed(booking_id="b", user_id="u", event_id="e")),
        ("REJECTED", messages.BookingRejected(booking_id="b", user_id="u", event_id="e", reason="seat-taken")),
        ("CANCELLED", messages.BookingCancelled(booking_id="b", user_id="u", event_id="e")),
        ("AWAITING_PAYMENT", messages.BookingAwaitingPayment(booking_id="b", user_id="u", event_id="e")),
    ],
)
def test_a_fact_and_the_workers_word_of_it_are_the_same_message(status: str, body: Message) -> None:
    word = booking_news("u", booking_pb2.Booking(booking_id="b", status=booking_pb2.BookingStatus.Value(status)))

    told = booking_fact(fact("bookings", body))

    assert told is not None
    assert told.dedupe == word.dedupe
    assert msgspec.json.decode(told.body).keys() == msgspec.json.decode(word.body).keys()
    assert told.complete is (status != "AWAITING_PAYMENT")


def test_a_fact_of_a_payment_that_waits_tells_what_to_do() -> None:
    todo = payment_pb2.NextAction(type="redirect", url="https://bank.example")

    told = booking_fact(fact("bookings", awaiting(next_action=todo)))

    assert told is not None
    assert told.complete
    expected = {"type": "redirect", "url": "https://bank.example", "client_secret": ""}
    assert msgspec.json.decode(told.body)["next_action"] == expected


def awaiting(**more: Any) -> messages.BookingAwaitingPayment:
    return messages.BookingAwaitingPayment(booking_id="b", user_id="u", event_id="e", **more)


def test_a_card_that_was_not_charged_is_news_and_says_what_to_do() -> None:
    first = booking_fact(fact("bookings", awaiting(attempt=1)))
    failed = booking_fact(fact("bookings", awaiting(attempt=1, reason="authentication-failed")))
    again = booking_fact(fact("bookings", awaiting(attempt=2, reason="authentication-failed")))

    assert first is not None
    assert failed is not None
    assert again is not None
    assert len({first.dedupe, failed.dedupe, again.dedupe}) == 3
    told = msgspec.json.decode(failed.body)
    assert (told["status"], told["reason"]) == ("awaiting_payment", "authentication-failed")
    assert told["next_action"] == {"type": "pay_again", "url": "", "client_secret": ""}
    assert failed.complete


@pytest.mark.parametrize(("cancelling", "status"), [(False, "pending"), (True, "cancelling")])
def test_a_booking_that_takes_longer_is_told_so(cancelling: bool, status: str) -> None:
    body = messages.BookingDelayed(booking_id="b", user_id="u", event_id="e", cancelling=cancelling)

    told = booking_fact(fact("bookings", body))

    assert told is not None
    assert (msgspec.json.decode(told.body)["status"], msgspec.json.decode(told.body)["reason"]) == (status, "delayed")


def test_each_attempt_of_a_payment_is_news() -> None:
    payments = [
        payment_pb2.Payment(payment_id="p", status=payment_pb2.FAILED, attempt=attempt, amount={"minor": 1})
        for attempt in (0, 1, 2)
    ]

    dedupes = [payment_news("u", one).dedupe for one in payments]

    assert dedupes[0] == dedupes[1] != dedupes[2]


def test_a_fact_of_a_confirmation_tells_all_it_knows() -> None:
    place = ticket_pb2.Place(section_id="FLOOR", label="Floor, standing", price={"minor": 500, "currency": "EUR"})
    body = messages.BookingConfirmed(
        booking_id="b",
        user_id="u",
        event_id="e",
        tickets=[ticket_pb2.Ticket(ticket_id="t", place=place, qr_payload="q")],
        total={"minor": 500, "currency": "EUR"},
        payment_id="p",
        confirmed_at=NOW,
    )

    told = booking_fact(fact("bookings", body))

    assert told is not None
    said = msgspec.json.decode(told.body)
    assert said["places"] == [said["tickets"][0]["place"]]
    assert said["places"][0]["seat_id"] is None
    assert (said["total"], said["payment_id"]) == ({"amount": 500, "currency": "EUR"}, "p")
    assert said["updated_at"] == "2030-01-01T00:00:00Z"


def test_each_partial_refund_is_news() -> None:
    once, twice = (
        payment_news(
            "u", payment_pb2.Payment(payment_id="p", status=payment_pb2.PARTIALLY_REFUNDED, refunded={"minor": minor})
        )
        for minor in (100, 200)
    )

    assert once.dedupe != twice.dedupe


async def test_old_facts_are_no_news() -> None:
    exchange = MemoryExchange()
    handlers = RealtimeHandlers(exchange, Hub(room_sends_per_s=1), instance_id="i")
    confirmed = messages.BookingConfirmed(booking_id="b", user_id="u")
    seats = messages.SeatsChanged(event_id=new_id(), version=1)

    await FactsConsumer(handlers, lambda: NOW).handle(
        [
            fact("bookings", confirmed, age=timedelta(hours=2)),
            fact("seats", seats, age=timedelta(hours=2)),
            fact("bookings", messages.UserRegistered()),
        ]
    )

    assert (exchange.published, exchange.broadcasts) == ([], [])


async def test_the_seats_of_one_batch_are_one_message_an_event() -> None:
    exchange = MemoryExchange()
    handlers = RealtimeHandlers(exchange, Hub(room_sends_per_s=1), instance_id="i")
    events = [new_id(), new_id()]
    changes = [messages.SeatsChanged(event_id=event, version=version) for version in (1, 2, 3) for event in events]

    await FactsConsumer(handlers, lambda: NOW).handle([fact("seats", change) for change in changes])

    texts = [msgspec.json.decode(message.text)["data"] for message in exchange.broadcasts]
    assert [(text["event_id"], text["since"], text["version"]) for text in texts] == [(event, 0, 3) for event in events]


@pytest.mark.parametrize("text", ["1", "1-", "-1", "a-b", "1-2-3", "9" * 16 + "-0", "1-0\n", "٣-1"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="cursor"):
        parsed_cursor(text)
