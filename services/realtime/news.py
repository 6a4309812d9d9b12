"""What a user is told of bookings and payments: messages of other services as the JSON of the public API.

A booking here is the booking of `GET /api/v1/bookings/{id}`, a payment that of `GET /api/v1/payments/{id}`: the same
fields, the same words, null for what is absent. tests/contract/test_public_shapes.py holds the two together.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from protos.gen import booking_pb2, messages_pb2, money_pb2, payment_pb2, ticket_pb2
from services.kit.bus.facts import Fact
from services.realtime.domain import UserMessage, checked_user
from services.realtime.rooms import Seat, SeatsDelta, Section

_BOOKING_STATUS: Final = {number: name.lower() for name, number in booking_pb2.BookingStatus.items()}
_PAYMENT_STATUS: Final = {number: name.lower() for name, number in payment_pb2.PaymentStatus.items()}
_ENCODE: Final = msgspec.json.Encoder().encode


class Money(msgspec.Struct):
    amount: int
    currency: str


class NextAction(msgspec.Struct):
    type: str
    url: str
    client_secret: str


class Place(msgspec.Struct):
    seat_id: str | None
    section_id: str
    label: str
    price: Money


class Ticket(msgspec.Struct):
    id: str
    place: Place
    qr_payload: str


class BookingNews(msgspec.Struct, kw_only=True):
    id: str
    event_id: str
    status: str
    reason: str | None
    places: list[Place]
    total: Money | None
    payment_id: str | None
    next_action: NextAction | None
    expires_at: datetime | None
    tickets: list[Ticket]
    # Of a booking that is news the queue knows nothing any more.
    queue: None = None
    created_at: datetime | None
    updated_at: datetime | None


class PaymentNews(msgspec.Struct, kw_only=True):
    id: str
    booking_id: str
    status: str
    amount: Money
    refunded: Money
    failure_reason: str | None
    next_action: NextAction | None
    provider: str
    created_at: datetime | None
    updated_at: datetime | None


def booking_news(user_id: str, booking: booking_pb2.Booking, *, complete: bool = True) -> UserMessage:
    news = BookingNews(
        id=booking.booking_id,
        event_id=booking.event_id,
        status=_BOOKING_STATUS[booking.status],
        reason=booking.reason or None,
        places=[_place(place) for place in booking.places],
        total=_money(booking.total) if booking.HasField("total") else None,
        payment_id=booking.payment_id or None,
        next_action=_next_action(booking.next_action) if booking.HasField("next_action") else None,
        expires_at=_time(booking.expires_at) if booking.HasField("expires_at") else None,
        tickets=[_ticket(ticket) for ticket in booking.tickets],
        created_at=_time(booking.created_at) if booking.HasField("created_at") else None,
        updated_at=_time(booking.updated_at) if booking.HasField("updated_at") else None,
    )
    dedupe = f"booking:{news.id}:{news.status}{_again(booking)}"
    return UserMessage(checked_user(user_id), "booking", _ENCODE(news), dedupe, complete)


def _again(booking: booking_pb2.Booking) -> str:
    """A booking waits for a payment once for each card that is tried, and once more when that is declined."""
    if booking.status != booking_pb2.AWAITING_PAYMENT:
        return ""
    attempt = f":{booking.attempt}" if booking.attempt > 1 else ""
    return f"{attempt}:{booking.reason}" if booking.reason else attempt


def booking_fact(fact: Fact) -> UserMessage | None:
    """The same, as far as a fact of topic `bookings` knows it; None for a type that is not for buyers."""
    match fact.type:
        case "messages.BookingConfirmed":
            confirmed = messages_pb2.BookingConfirmed.FromString(fact.body)
            return booking_news(confirmed.user_id, _confirmed(confirmed))
        case "messages.BookingRejected":
            rejected = messages_pb2.BookingRejected.FromString(fact.body)
            return booking_news(rejected.user_id, _ended(rejected, booking_pb2.REJECTED))
        case "messages.BookingCancelled":
            cancelled = messages_pb2.BookingCancelled.FromString(fact.body)
            return booking_news(cancelled.user_id, _ended(cancelled, booking_pb2.CANCELLED))
        case "messages.BookingAwaitingPayment":
            waits = messages_pb2.BookingAwaitingPayment.FromString(fact.body)
            news = _waiting(waits)
            # One that does not say what the buyer has to do may be followed by booking-worker's word, which does.
            return booking_news(waits.user_id, news, complete=news.HasField("next_action"))
        case "messages.BookingDelayed":
            delayed = messages_pb2.BookingDelayed.FromString(fact.body)
            return booking_news(delayed.user_id, _delayed(delayed))
    return None


def payment_news(user_id: str, payment: payment_pb2.Payment) -> UserMessage:
    amount = _money(payment.amount)
    news = PaymentNews(
        id=payment.payment_id,
        booking_id=payment.booking_id,
        status=_PAYMENT_STATUS[payment.status],
        amount=amount,
        refunded=_money(payment.refunded) if payment.HasField("refunded") else Money(0, amount.currency),
        failure_reason=payment.failure_reason or None,
        next_action=_next_action(payment.next_action) if payment.HasField("next_action") else None,
        provider=payment.provider,
        created_at=_time(payment.created_at) if payment.HasField("created_at") else None,
        updated_at=_time(payment.updated_at) if payment.HasField("updated_at") else None,
    )
    # A payment is refunded in parts: the sum tells one part from the next.
    attempt = f"{payment.attempt}:" if payment.attempt > 1 else ""
    dedupe = f"payment:{news.id}:{attempt}{news.status}:{news.refunded.amount}"
    return UserMessage(checked_user(user_id), "payment", _ENCODE(news), dedupe)


def seats_delta(fact: Fact) -> SeatsDelta:
    changed = messages_pb2.SeatsChanged.FromString(fact.body)
    return SeatsDelta(
        changed.event_id,
        changed.version - 1,
        changed.version,
        tuple(Seat(seat.seat_id, seat.state) for seat in changed.seats),
        tuple(Section(one.section_id, one.free, one.held, one.sold) for one in changed.sections),
    )


def _confirmed(fact: messages_pb2.BookingConfirmed) -> booking_pb2.Booking:
    return booking_pb2.Booking(
        booking_id=fact.booking_id,
        event_id=fact.event_id,
        status=booking_pb2.CONFIRMED,
        places=[ticket.place for ticket in fact.tickets],
        total=fact.total if fact.HasField("total") else None,
        payment_id=fact.payment_id,
        tickets=fact.tickets,
        updated_at=fact.confirmed_at if fact.HasField("confirmed_at") else None,
    )


def _ended(
    fact: messages_pb2.BookingRejected | messages_pb2.BookingCancelled, status: booking_pb2.BookingStatus.ValueType
) -> booking_pb2.Booking:
    return booking_pb2.Booking(booking_id=fact.booking_id, event_id=fact.event_id, status=status, reason=fact.reason)


def _delayed(fact: messages_pb2.BookingDelayed) -> booking_pb2.Booking:
    status = booking_pb2.CANCELLING if fact.cancelling else booking_pb2.PENDING
    return booking_pb2.Booking(booking_id=fact.booking_id, event_id=fact.event_id, status=status, reason="delayed")


def _waiting(fact: messages_pb2.BookingAwaitingPayment) -> booking_pb2.Booking:
    return booking_pb2.Booking(
        booking_id=fact.booking_id,
        event_id=fact.event_id,
        status=booking_pb2.AWAITING_PAYMENT,
        reason=fact.reason,
        attempt=fact.attempt,
        next_action=_todo(fact),
        expires_at=fact.expires_at if fact.HasField("expires_at") else None,
    )


def _todo(fact: messages_pb2.BookingAwaitingPayment) -> payment_pb2.NextAction | None:
    """What the buyer has to do; of an older fact as far as its reason tells."""
    if fact.HasField("next_action"):
        return fact.next_action
    return payment_pb2.NextAction(type="pay_again") if fact.reason else None


def _money(money: money_pb2.Money) -> Money:
    return Money(money.minor, money.currency)


def _next_action(action: payment_pb2.NextAction) -> NextAction:
    return NextAction(action.type, action.url, action.client_secret)


def _place(place: ticket_pb2.Place) -> Place:
    return Place(place.seat_id or None, place.section_id, place.label, _money(place.price))


def _ticket(ticket: ticket_pb2.Ticket) -> Ticket:
    return Ticket(ticket.ticket_id, _place(ticket.place), ticket.qr_payload)


def _time(moment: Timestamp) -> datetime:
    return moment.ToDatetime(UTC)
