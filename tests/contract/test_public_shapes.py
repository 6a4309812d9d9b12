"""A booking is one JSON, and a payment another, whether REST answers with it or the socket brings it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from protos.gen import booking_pb2, money_pb2, payment_pb2, ticket_pb2
from services.gateway.clients.bookings import to_booking
from services.gateway.clients.payments import to_payment
from services.realtime.news import booking_news, payment_news

# With a fraction: REST and the socket write it with the same digits.
AT = datetime(2030, 1, 2, 3, 4, 5, 120_000, tzinfo=UTC)
PRICE = money_pb2.Money(minor=1250, currency="EUR")
SEAT = ticket_pb2.Place(seat_id="A-1-1", section_id="A", label="Section A, row 1, seat 1", price=PRICE)
STANDING = ticket_pb2.Place(section_id="FLOOR", label="Floor, standing", price=PRICE)
ACTION = payment_pb2.NextAction(type="redirect", url="https://bank.example/ä?b=1&c", client_secret="s")
BOOKING_STATUSES = sorted(set(booking_pb2.BookingStatus.values()) - {booking_pb2.BOOKING_STATUS_UNSPECIFIED})
PAYMENT_STATUSES = sorted(set(payment_pb2.PaymentStatus.values()) - {payment_pb2.PAYMENT_STATUS_UNSPECIFIED})


def whole_booking(status: booking_pb2.BookingStatus) -> booking_pb2.Booking:
    return booking_pb2.Booking(
        booking_id="b",
        user_id="u",
        event_id="e",
        status=status,
        reason="seat-taken",
        places=[SEAT, STANDING],
        total=money_pb2.Money(minor=2500, currency="EUR"),
        payment_id="p",
        next_action=ACTION,
        expires_at=AT,
        tickets=[
            ticket_pb2.Ticket(ticket_id="t", event_id="e", place=place, qr_payload="q") for place in (SEAT, STANDING)
        ],
        created_at=AT,
        updated_at=AT,
    )


def whole_payment(status: payment_pb2.PaymentStatus) -> payment_pb2.Payment:
    return payment_pb2.Payment(
        payment_id="p",
        key="k",
        booking_id="b",
        user_id="u",
        amount=PRICE,
        refunded=money_pb2.Money(minor=250, currency="EUR"),
        status=status,
        failure_reason="card-declined",
        next_action=ACTION,
        provider="sandbox",
        provider_ref="pi_1",
        created_at=AT,
        updated_at=AT,
    )


@pytest.mark.parametrize(
    "booking",
    [
        *map(whole_booking, BOOKING_STATUSES),
        booking_pb2.Booking(booking_id="b", event_id="e", status=booking_pb2.REJECTED),
    ],
)
def test_a_booking_is_the_same_json_on_rest_and_on_the_socket(booking: booking_pb2.Booking) -> None:
    rest = msgspec.json.encode(to_booking(booking))

    socket = booking_news("u", booking).body

    assert msgspec.json.decode(socket) == msgspec.json.decode(rest)


@pytest.mark.parametrize(
    "payment",
    [
        *map(whole_payment, PAYMENT_STATUSES),
        payment_pb2.Payment(payment_id="p", booking_id="b", amount=PRICE, status=payment_pb2.PROCESSING),
    ],
)
def test_a_payment_is_the_same_json_on_rest_and_on_the_socket(payment: payment_pb2.Payment) -> None:
    rest = msgspec.json.encode(to_payment(payment))

    socket = payment_news("u", payment).body

    assert msgspec.json.decode(socket) == msgspec.json.decode(rest)
