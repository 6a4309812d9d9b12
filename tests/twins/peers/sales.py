"""ticket, booking and payment in memory: what the gateway asks of a sale."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from protos.gen import booking_pb2 as booking
from protos.gen import booking_pb2_grpc, payment_pb2_grpc, ticket_pb2_grpc
from protos.gen import event_pb2 as event
from protos.gen import payment_pb2 as payment
from protos.gen import ticket_pb2 as ticket
from protos.timeline import sentence
from services.kit.errors import Kind
from services.kit.ids import new_id
from tests.twins.peers.answers import page, refused
from tests.twins.peers.events import EventTwin


class TicketTwin(ticket_pb2_grpc.TicketServiceServicer):
    """Every place of a published event is free; `version` is what a test says it is."""

    def __init__(self, events: EventTwin) -> None:
        self._events = events.events
        self.version = 1
        self.asked = 0

    async def GetAvailability(
        self, request: ticket.GetAvailabilityRequest, context: Any
    ) -> ticket.GetAvailabilityResponse:
        self.asked += 1
        reply = ticket.GetAvailabilityResponse(event_id=request.event_id, version=self.version)
        for section in self._on_sale(request.event_id).sections:
            reply.sections.add(
                section_id=section.section_id,
                name=section.name,
                kind=section.kind,
                tier_id=section.tier_id,
                capacity=section.capacity,
                free=section.capacity,
                rows=[ticket.RowAvailability(label=row.label, states="f" * row.seat_count) for row in section.rows],
            )
        return reply

    async def GetPricing(self, request: ticket.GetPricingRequest, context: Any) -> ticket.GetPricingResponse:
        found = self._on_sale(request.event_id)
        prices = [ticket.SectionPrice(section_id=one.section_id, tier_id=one.tier_id) for one in found.sections]
        return ticket.GetPricingResponse(event_id=request.event_id, tiers=found.tiers, sections=prices)

    async def GetTicketKeys(self, request: ticket.GetTicketKeysRequest, context: Any) -> ticket.GetTicketKeysResponse:
        return ticket.GetTicketKeysResponse(
            jwks_json='{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"tickets","x":"AAAA"}]}'
        )

    def _on_sale(self, event_id: str) -> event.Event:
        found = self._events.get(event_id)
        if found is None or found.status == event.DRAFT:
            raise refused(Kind.MISSING, "unknown-event")
        return found


class BookingTwin(booking_pb2_grpc.BookingServiceServicer):
    def __init__(self) -> None:
        self.bookings: dict[str, booking.Booking] = {}

    def confirm(self, booking_id: str, user_id: str, event_id: str) -> None:
        """A booking as it is once it is paid."""
        made = booking.Booking(
            booking_id=booking_id,
            user_id=user_id,
            event_id=event_id,
            status=booking.CONFIRMED,
            payment_id=new_id(),
        )
        place = ticket.Place(seat_id="A-1-1", section_id="A", label="Section A, row 1, seat 1")
        place.price.minor, place.price.currency = 9900, "EUR"
        made.places.append(place)
        made.total.CopyFrom(place.price)
        made.tickets.add(ticket_id=new_id(), event_id=event_id, place=place, qr_payload="a.b.c")
        made.created_at.FromDatetime(datetime.now(UTC).replace(tzinfo=None))
        made.updated_at.CopyFrom(made.created_at)
        self.bookings[booking_id] = made

    async def GetBooking(self, request: booking.GetBookingRequest, context: Any) -> booking.GetBookingResponse:
        return booking.GetBookingResponse(booking=self._mine(request.booking_id, request.user_id))

    async def GetTimeline(self, request: booking.GetTimelineRequest, context: Any) -> booking.GetTimelineResponse:
        found = self.bookings.get(request.booking_id)
        if found is None or (request.user_id and found.user_id != request.user_id):
            raise refused(Kind.MISSING, "unknown-booking")
        told = booking.GetTimelineResponse(booking_id=found.booking_id, status=found.status, trace_id="a" * 32)
        told.entries.add(code="queued", sentence=sentence("queued"), number=3, at=found.created_at)
        told.entries.add(code="confirmed", sentence=sentence("confirmed"), at=found.updated_at)
        return told

    async def CancelBooking(self, request: booking.CancelBookingRequest, context: Any) -> booking.CancelBookingResponse:
        found = self._mine(request.booking_id, request.user_id)
        if found.status == booking.REJECTED:
            raise refused(Kind.CONFLICT, "booking-not-cancellable")
        found.status, found.reason = booking.CANCELLED, "cancelled-by-buyer"
        return booking.CancelBookingResponse(booking=found)

    async def PayBooking(self, request: booking.PayBookingRequest, context: Any) -> booking.PayBookingResponse:
        found = self._mine(request.booking_id, request.user_id)
        if found.status not in {booking.AWAITING_PAYMENT, booking.CONFIRMED}:
            raise refused(Kind.CONFLICT, "booking-not-payable")
        found.status = booking.CONFIRMED
        return booking.PayBookingResponse(booking=found)

    async def GetUserBookings(
        self, request: booking.GetUserBookingsRequest, context: Any
    ) -> booking.GetUserBookingsResponse:
        mine = [known for known in self.bookings.values() if known.user_id == request.user_id]
        found, token = page(mine[::-1], request.page_size, request.page_token)
        return booking.GetUserBookingsResponse(bookings=found, next_page_token=token)

    async def ListAttendees(self, request: booking.ListAttendeesRequest, context: Any) -> booking.ListAttendeesResponse:
        sold = [one for one in self.bookings.values() if one.event_id == request.event_id and one.tickets]
        found, token = page(sold, request.page_size, request.page_token)
        reply = booking.ListAttendeesResponse(next_page_token=token)
        for one in found:
            attendee = reply.attendees.add(booking_id=one.booking_id, user_id=one.user_id, ordered_at=one.created_at)
            for issued in one.tickets:
                attendee.tickets.add(ticket_id=issued.ticket_id, event_id=issued.event_id, place=issued.place)
        return reply

    def _mine(self, booking_id: str, user_id: str) -> booking.Booking:
        found = self.bookings.get(booking_id)
        if found is None or found.user_id != user_id:
            raise refused(Kind.MISSING, "unknown-booking")
        return found


class PaymentTwin(payment_pb2_grpc.PaymentServiceServicer):
    def __init__(self) -> None:
        self.payments: dict[str, payment.Payment] = {}
        # How long it takes to answer.
        self.delay_s = 0.0

    async def GetPayment(self, request: payment.GetPaymentRequest, context: Any) -> payment.GetPaymentResponse:
        await asyncio.sleep(self.delay_s)
        found = self.payments.get(request.payment_id)
        if found is None or found.user_id != request.user_id:
            raise refused(Kind.MISSING, "unknown-payment")
        return payment.GetPaymentResponse(payment=found)
