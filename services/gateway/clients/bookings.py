"""booking: what became of an order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from protos.gen import booking_pb2 as pb
from protos.gen import payment_pb2 as payments
from protos.gen import ticket_pb2 as ticket
from services.gateway.clients.peers import Peers
from services.gateway.clients.wire import to_money, to_time
from services.gateway.domain import NotCancellable, UnknownBooking
from services.gateway.models.bookings import (
    Booking,
    Bookings,
    NextAction,
    Place,
    Status,
    Ticket,
    Timeline,
    TimelineEntry,
)
from services.kit.errors import PeerRefused

# Longer than booking waits for the PSP before it answers that it is at work.
PAY_TIMEOUT_S: Final = 6.0
_STATUS: Final[dict[int, Status]] = {
    pb.PENDING: "pending",
    pb.AWAITING_PAYMENT: "awaiting_payment",
    pb.CONFIRMED: "confirmed",
    pb.REJECTED: "rejected",
    pb.CANCELLING: "cancelling",
    pb.CANCELLED: "cancelled",
}


class BookingClient:
    """The desk (ports.BookingDesk) at the booking service."""

    def __init__(self, peers: Peers) -> None:
        self._booking = peers.booking

    async def get(self, booking_id: str, *, user_id: str) -> Booking:
        request = pb.GetBookingRequest(booking_id=booking_id, user_id=user_id)
        with _refusals():
            return to_booking((await self._booking.call(self._booking.stub.GetBooking, request)).booking)

    async def cancel(self, booking_id: str, *, user_id: str) -> Booking:
        request = pb.CancelBookingRequest(booking_id=booking_id, user_id=user_id)
        with _refusals():
            return to_booking((await self._booking.call(self._booking.stub.CancelBooking, request)).booking)

    async def timeline(self, booking_id: str, *, user_id: str) -> Timeline:
        request = pb.GetTimelineRequest(booking_id=booking_id, user_id=user_id)
        with _refusals():
            return _timeline(await self._booking.call(self._booking.stub.GetTimeline, request))

    async def pay(self, booking_id: str, payment_method: str, *, user_id: str) -> Booking:
        request = pb.PayBookingRequest(booking_id=booking_id, user_id=user_id, payment_method=payment_method)
        with _refusals():
            reply = await self._booking.call(self._booking.stub.PayBooking, request, timeout_s=PAY_TIMEOUT_S)
        return to_booking(reply.booking)

    async def of_user(self, user_id: str, *, limit: int, cursor: str) -> Bookings:
        request = pb.GetUserBookingsRequest(user_id=user_id, page_size=limit, page_token=cursor)
        reply = await self._booking.call(self._booking.stub.GetUserBookings, request)
        return Bookings([to_booking(booking) for booking in reply.bookings], reply.next_page_token or None)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except PeerRefused as refused:
        if refused.reason == UnknownBooking.reason:
            raise UnknownBooking from refused
        if refused.reason == NotCancellable.reason:
            raise NotCancellable from refused
        raise


def to_booking(booking: pb.Booking) -> Booking:
    return Booking(
        id=booking.booking_id,
        event_id=booking.event_id,
        status=_STATUS[booking.status],
        reason=booking.reason or None,
        places=[to_place(place) for place in booking.places],
        total=to_money(booking.total) if booking.HasField("total") else None,
        payment_id=booking.payment_id or None,
        next_action=to_next_action(booking.next_action) if booking.HasField("next_action") else None,
        expires_at=to_time(booking.expires_at, present=booking.HasField("expires_at")),
        tickets=[_ticket(issued) for issued in booking.tickets],
        created_at=to_time(booking.created_at, present=booking.HasField("created_at")),
        updated_at=to_time(booking.updated_at, present=booking.HasField("updated_at")),
    )


def to_next_action(action: payments.NextAction) -> NextAction:
    return NextAction(action.type, action.url, action.client_secret)


def to_place(place: ticket.Place) -> Place:
    return Place(place.seat_id or None, place.section_id, place.label, to_money(place.price))


def _ticket(issued: ticket.Ticket) -> Ticket:
    return Ticket(issued.ticket_id, to_place(issued.place), issued.qr_payload)


def _timeline(told: pb.GetTimelineResponse) -> Timeline:
    return Timeline(
        booking_id=told.booking_id,
        status=_STATUS[told.status],
        trace_id=told.trace_id or None,
        entries=[_entry(entry) for entry in told.entries],
    )


def _entry(entry: pb.TimelineEntry) -> TimelineEntry:
    return TimelineEntry(
        at=to_time(entry.at, present=entry.HasField("at")),
        code=entry.code,
        sentence=entry.sentence,
        reason=entry.reason or None,
        about=entry.about or None,
        number=entry.number or None,
        attempt=entry.attempt or None,
        amount=to_money(entry.amount) if entry.HasField("amount") else None,
        until=to_time(entry.until, present=entry.HasField("until")),
    )
