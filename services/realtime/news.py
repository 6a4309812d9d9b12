"""What a user is told of bookings and payments: messages of other services as the JSON that browsers read."""

from __future__ import annotations

import msgspec

from protos.gen import booking_pb2, messages_pb2, money_pb2, payment_pb2, ticket_pb2
from services.kit.bus.facts import Fact
from services.realtime.domain import UserMessage, checked_user
from services.realtime.rooms import Seat, SeatsDelta, Section


class Amount(msgspec.Struct):
    amount: int
    currency: str


class NextAction(msgspec.Struct):
    type: str
    url: str
    client_secret: str


class Ticket(msgspec.Struct):
    ticket_id: str
    seat_id: str
    section_id: str
    label: str
    qr_payload: str


class BookingNews(msgspec.Struct):
    booking_id: str
    event_id: str
    status: str
    reason: str = ""
    total: Amount | None = None
    payment_id: str = ""
    next_action: NextAction | None = None
    expires_at: str | None = None
    tickets: list[Ticket] = []


class PaymentNews(msgspec.Struct):
    payment_id: str
    booking_id: str
    status: str
    failure_reason: str
    amount: Amount | None
    refunded: Amount | None


def booking_news(user_id: str, booking: booking_pb2.Booking) -> UserMessage:
    news = BookingNews(
        booking.booking_id,
        booking.event_id,
        booking_pb2.BookingStatus.Name(booking.status),
        booking.reason,
        _amount(booking.total) if booking.HasField("total") else None,
        booking.payment_id,
        _next_action(booking.next_action) if booking.HasField("next_action") else None,
        booking.expires_at.ToJsonString() if booking.HasField("expires_at") else None,
        [_ticket(ticket) for ticket in booking.tickets],
    )
    return _message(user_id, news, complete=True)


def booking_fact(fact: Fact) -> UserMessage | None:
    """The same, as far as a fact of topic `bookings` knows it; None for a type that is not for buyers."""
    match fact.type:
        case "messages.BookingConfirmed":
            confirmed = messages_pb2.BookingConfirmed.FromString(fact.body)
            news = BookingNews(
                confirmed.booking_id,
                confirmed.event_id,
                "CONFIRMED",
                total=_amount(confirmed.total) if confirmed.HasField("total") else None,
                payment_id=confirmed.payment_id,
                tickets=[_ticket(ticket) for ticket in confirmed.tickets],
            )
            return _message(confirmed.user_id, news, complete=True)
        case "messages.BookingRejected":
            rejected = messages_pb2.BookingRejected.FromString(fact.body)
            news = BookingNews(rejected.booking_id, rejected.event_id, "REJECTED", rejected.reason)
            return _message(rejected.user_id, news, complete=True)
        case "messages.BookingCancelled":
            cancelled = messages_pb2.BookingCancelled.FromString(fact.body)
            news = BookingNews(cancelled.booking_id, cancelled.event_id, "CANCELLED", cancelled.reason)
            return _message(cancelled.user_id, news, complete=True)
        case "messages.BookingAwaitingPayment":
            waits = messages_pb2.BookingAwaitingPayment.FromString(fact.body)
            expires_at = waits.expires_at.ToJsonString() if waits.HasField("expires_at") else None
            news = BookingNews(waits.booking_id, waits.event_id, "AWAITING_PAYMENT", expires_at=expires_at)
            # It does not say what the buyer has to do next; booking-worker's word, which does, is sent after it.
            return _message(waits.user_id, news, complete=False)
    return None


def payment_news(user_id: str, payment: payment_pb2.Payment) -> UserMessage:
    status = payment_pb2.PaymentStatus.Name(payment.status)
    news = PaymentNews(
        payment.payment_id,
        payment.booking_id,
        status,
        payment.failure_reason,
        _amount(payment.amount) if payment.HasField("amount") else None,
        _amount(payment.refunded) if payment.HasField("refunded") else None,
    )
    # A payment is refunded in parts: the sum tells one part from the next.
    dedupe = f"payment:{payment.payment_id}:{status}:{payment.refunded.minor}"
    return UserMessage(checked_user(user_id), "payment", msgspec.json.encode(news), dedupe)


def seats_delta(fact: Fact) -> SeatsDelta:
    changed = messages_pb2.SeatsChanged.FromString(fact.body)
    return SeatsDelta(
        changed.event_id,
        changed.version - 1,
        changed.version,
        tuple(Seat(seat.seat_id, seat.state) for seat in changed.seats),
        tuple(Section(one.section_id, one.free, one.held, one.sold) for one in changed.sections),
    )


def _message(user_id: str, news: BookingNews, *, complete: bool) -> UserMessage:
    dedupe = f"booking:{news.booking_id}:{news.status}"
    return UserMessage(checked_user(user_id), "booking", msgspec.json.encode(news), dedupe, complete)


def _amount(money: money_pb2.Money) -> Amount:
    return Amount(money.minor, money.currency)


def _next_action(action: payment_pb2.NextAction) -> NextAction:
    return NextAction(action.type, action.url, action.client_secret)


def _ticket(ticket: ticket_pb2.Ticket) -> Ticket:
    place = ticket.place
    return Ticket(ticket.ticket_id, place.seat_id, place.section_id, place.label, ticket.qr_payload)
