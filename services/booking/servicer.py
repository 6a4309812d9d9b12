"""booking.BookingService: wire to our words and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import grpc
import structlog

from protos.gen import booking_pb2 as pb
from protos.gen import booking_pb2_grpc, invariants_pb2, refusal_pb2
from services.booking.domain import Order, Quantity
from services.booking.facts import booking_message
from services.booking.handlers import BookingHandlers
from services.booking.ports import Parked
from services.booking.reading import BookingReads
from services.booking.saga import CREATE_BOOKING
from services.booking.waited import Waited
from services.booking.watch import BookingWatch
from services.booking.wire import attendee_message, timeline_message
from services.kit import tracing
from services.kit.clock import utc_now
from services.kit.errors import Kind, Told

if TYPE_CHECKING:
    # What it stands on is read in by processes that need it.
    from services.booking.proofs import Proofs

type Context = grpc.aio.ServicerContext[Any, Any]
# Orders of one stream that are at work at once; the stream is read no further until some are decided.
MAX_AT_WORK: Final = 2_000
# Outcomes sent in one message.
MAX_OUTCOMES: Final = 200
log = structlog.get_logger()


class BookingServicer(booking_pb2_grpc.BookingServiceServicer):
    def __init__(
        self, handlers: BookingHandlers, reads: BookingReads, watch: BookingWatch, *, proofs: Proofs | None = None
    ) -> None:
        """With `proofs`, orders that come through the line have to be proven."""
        self._handlers, self._reads, self._watch, self._proofs = handlers, reads, watch, proofs

    async def CreateBooking(self, request: pb.CreateBookingRequest, context: Context) -> pb.CreateBookingResponse:
        booking = await self._handlers.create(_order(request))
        return pb.CreateBookingResponse(booking=booking_message(booking))

    async def GetBooking(self, request: pb.GetBookingRequest, context: Context) -> pb.GetBookingResponse:
        booking = await self._handlers.booking(request.booking_id, user_id=request.user_id)
        return pb.GetBookingResponse(booking=booking_message(booking))

    async def CancelBooking(self, request: pb.CancelBookingRequest, context: Context) -> pb.CancelBookingResponse:
        booking = await self._handlers.cancel(request.booking_id, user_id=request.user_id)
        return pb.CancelBookingResponse(booking=booking_message(booking))

    async def PayBooking(self, request: pb.PayBookingRequest, context: Context) -> pb.PayBookingResponse:
        booking = await self._handlers.pay(request.booking_id, request.payment_method, user_id=request.user_id)
        return pb.PayBookingResponse(booking=booking_message(booking))

    async def ListParked(self, request: pb.ListParkedRequest, context: Context) -> pb.ListParkedResponse:
        parked, total = await self._handlers.parked(limit=request.limit)
        return pb.ListParkedResponse(parked=map(_parked, parked), total=total)

    async def ResumeParked(self, request: pb.ResumeParkedRequest, context: Context) -> pb.ResumeParkedResponse:
        return pb.ResumeParkedResponse(booking_ids=await self._handlers.resume(request.booking_ids))

    async def GetUserBookings(self, request: pb.GetUserBookingsRequest, context: Context) -> pb.GetUserBookingsResponse:
        page = await self._handlers.bookings_of(request.user_id, size=request.page_size, token=request.page_token)
        return pb.GetUserBookingsResponse(bookings=map(booking_message, page.items), next_page_token=page.next_token)

    async def ListAttendees(self, request: pb.ListAttendeesRequest, context: Context) -> pb.ListAttendeesResponse:
        page = await self._handlers.attendees(request.event_id, size=request.page_size, token=request.page_token)
        return pb.ListAttendeesResponse(attendees=map(attendee_message, page.items), next_page_token=page.next_token)

    async def GetTimeline(self, request: pb.GetTimelineRequest, context: Context) -> pb.GetTimelineResponse:
        return timeline_message(await self._reads.timeline(request.booking_id, user_id=request.user_id))

    async def CheckInvariants(
        self, request: invariants_pb2.CheckInvariantsRequest, context: Context
    ) -> invariants_pb2.CheckInvariantsResponse:
        report = await self._watch.look(grace_s=request.grace_s, window_s=request.window_s)
        return invariants_pb2.CheckInvariantsResponse(**report.message(now=utc_now()))

    async def CreateBookings(
        self, request_iterator: AsyncIterator[pb.CreateBookingsRequest], context: Context
    ) -> AsyncIterator[pb.CreateBookingsResponse]:
        stream = _Orders(self._handlers, self._proofs)
        reading = asyncio.create_task(stream.read(request_iterator), name="orders")
        try:
            # Who has nothing to ask wants to know too that we are here.
            yield pb.CreateBookingsResponse()
            async for outcomes in stream.outcomes():
                yield pb.CreateBookingsResponse(outcomes=outcomes)
            await reading
        finally:
            # What is at work goes on: the sender asks again by id if it still wants to know.
            reading.cancel()


class _Orders:
    """One stream: orders are begun in the order they arrive, and answered as they are decided."""

    def __init__(self, handlers: BookingHandlers, proofs: Proofs | None) -> None:
        self._handlers, self._proofs = handlers, proofs
        self._at_work: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MAX_AT_WORK)
        self._decided: list[pb.BookingOutcome] = []
        self._changed = asyncio.Event()
        self._all_read = False

    async def read(self, requests: AsyncIterator[pb.CreateBookingsRequest]) -> None:
        try:
            async for request in requests:
                for order in request.orders:
                    await self._room.acquire()
                    task = asyncio.create_task(self._work(order), name=f"order:{order.booking_id}")
                    self._at_work.add(task)
                    task.add_done_callback(self._ended)
        finally:
            self._all_read = True
            self._changed.set()

    async def outcomes(self) -> AsyncIterator[list[pb.BookingOutcome]]:
        """Batches of what was decided, until all that was read is."""
        while not (self._all_read and not self._at_work and not self._decided):
            await self._changed.wait()
            self._changed.clear()
            while self._decided:
                batch, self._decided = self._decided[:MAX_OUTCOMES], self._decided[MAX_OUTCOMES:]
                yield batch

    async def _work(self, order: pb.CreateBookingRequest) -> None:
        outcome = pb.BookingOutcome(booking_id=order.booking_id)
        try:
            with tracing.adopted(order.traceparent):
                if self._proofs:
                    await self._proofs.check(order)
                outcome.booking.CopyFrom(booking_message(await self._handlers.create(_order(order))))
        except Told as told:
            outcome.refused.CopyFrom(refusal_pb2.Refused(kind=told.kind.value, reason=told.reason, message=str(told)))
        except Exception:
            log.exception("order_failed", booking_id=order.booking_id)
            fault = refusal_pb2.Refused(kind=Kind.LATER.value, reason="internal", message="not decided")
            outcome.refused.CopyFrom(fault)
        finally:
            self._room.release()
        self._decided.append(outcome)
        self._changed.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._at_work.discard(task)
        # Whoever was told of its outcome before this waits for the last one to be gone.
        self._changed.set()


def _parked(one: Parked) -> pb.ParkedBooking:
    progress = one.progress
    message = pb.ParkedBooking(
        booking_id=progress.booking.id,
        event_id=progress.order.event_id,
        status=pb.BookingStatus.Value(progress.booking.status.value),
        step=CREATE_BOOKING[max(progress.step, 0)].name,
        undoing=progress.undoing,
        why=progress.booking.parked,
    )
    message.parked_at.FromDatetime(one.at)
    return message


def _order(request: pb.CreateBookingRequest) -> Order:
    return Order(
        booking_id=request.booking_id,
        user_id=request.user_id,
        event_id=request.event_id,
        seat_ids=tuple(request.seat_ids),
        quantities=tuple(Quantity(one.section_id, one.quantity) for one in request.quantities),
        payment_method=request.payment_method,
        traceparent=request.traceparent,
        waited=_waited(request.waited) if request.HasField("waited") else None,
    )


def _waited(message: pb.Waited) -> Waited:
    queued_at, taken_at = message.queued_at.ToDatetime(UTC), message.taken_at.ToDatetime(UTC)
    return Waited(number=message.number, queued_at=queued_at, taken_at=taken_at)
