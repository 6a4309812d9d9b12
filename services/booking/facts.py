"""What became of a booking, as the facts of topic `bookings`; and a booking as the message others know."""

from typing import Final, TypedDict

from google.protobuf.message import Message

from protos.gen import booking_pb2 as pb
from protos.gen import messages_pb2 as messages
from protos.gen import money_pb2, payment_pb2, ticket_pb2
from services.booking.domain import DELAYED, Booking, NextAction, Place, Status, Ticket
from services.kit.database.outbox import Outgoing
from services.kit.money import Money

TOPIC: Final = "bookings"


def fact_of(booking: Booking) -> Outgoing:
    """The fact that this booking is decided, or that it will take longer."""
    return Outgoing(topic=TOPIC, key=booking.id, body=_body(booking), traceparent=booking.order.traceparent)


def _body(booking: Booking) -> Message:
    who = _Who(booking_id=booking.id, user_id=booking.order.user_id, event_id=booking.order.event_id)
    match booking.status:
        case _ if booking.parked:
            return messages.BookingDelayed(**who, cancelling=booking.status is Status.CANCELLING)
        case Status.CONFIRMED:
            confirmed = messages.BookingConfirmed(**who, payment_id=booking.payment_id, total=money(booking.total))
            confirmed.tickets.extend(ticket(one, booking) for one in booking.tickets)
            confirmed.confirmed_at.FromDatetime(booking.updated_at)
            return confirmed
        case Status.AWAITING_PAYMENT:
            waiting = messages.BookingAwaitingPayment(
                **who,
                reason=booking.reason,
                attempt=booking.attempt,
                next_action=_next_action(booking.next_action),
            )
            if booking.expires_at is not None:
                waiting.expires_at.FromDatetime(booking.expires_at)
            return waiting
        case Status.CANCELLED:
            paid = booking.total if booking.payment_id else None
            return messages.BookingCancelled(**who, reason=booking.reason, refunded=money(paid))
        case _:
            return messages.BookingRejected(**who, reason=booking.reason)


class _Who(TypedDict):
    booking_id: str
    user_id: str
    event_id: str


def booking_message(booking: Booking) -> pb.Booking:
    message = pb.Booking(
        booking_id=booking.id,
        user_id=booking.order.user_id,
        event_id=booking.order.event_id,
        status=pb.BookingStatus.Value(booking.status.value),
        reason=DELAYED if booking.parked else booking.reason,
        attempt=booking.attempt,
        places=[place(one) for one in booking.places],
        total=money(booking.total),
        payment_id=booking.payment_id,
        next_action=_next_action(booking.next_action),
        tickets=[ticket(one, booking) for one in booking.tickets],
    )
    message.created_at.FromDatetime(booking.created_at)
    message.updated_at.FromDatetime(booking.updated_at)
    if booking.expires_at is not None:
        message.expires_at.FromDatetime(booking.expires_at)
    return message


def money(amount: Money | None) -> money_pb2.Money | None:
    return None if amount is None else money_pb2.Money(minor=amount.minor, currency=amount.currency)


def place(one: Place) -> ticket_pb2.Place:
    return ticket_pb2.Place(seat_id=one.seat_id, section_id=one.section_id, label=one.label, price=money(one.price))


def ticket(one: Ticket, booking: Booking) -> ticket_pb2.Ticket:
    return ticket_pb2.Ticket(
        ticket_id=one.ticket_id,
        event_id=booking.order.event_id,
        place=place(one.place),
        qr_payload=one.qr_payload,
    )


def _next_action(action: NextAction | None) -> payment_pb2.NextAction | None:
    if action is None:
        return None
    return payment_pb2.NextAction(type=action.type, url=action.url, client_secret=action.client_secret)
