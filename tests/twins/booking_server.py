"""A booking service over real gRPC that decides as it is told, and remembers every order it got."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from protos.gen import booking_pb2 as pb
from protos.gen import booking_pb2_grpc
from services.kit.errors import Kind, PeerRefused
from services.kit.rpc.server import RpcServer


class TwinBooking(booking_pb2_grpc.BookingServiceServicer):
    """Confirms everything, once a booking; `answering` cleared, it takes orders and says nothing."""

    def __init__(self) -> None:
        # Booking ids in the order they were first heard of, by event.
        self.heard: dict[str, list[str]] = {}
        # How often each was sent.
        self.sent: Counter[str] = Counter()
        self.bookings: dict[str, pb.Booking] = {}
        self.answering = asyncio.Event()
        self.answering.set()
        # How many more times a booking is answered `later`, and what is refused for good.
        self.later: Counter[str] = Counter()
        self.refused: dict[str, str] = {}
        # How many more questions about one booking end in a fault of ours.
        self.faults = 0

    async def CreateBookings(
        self, request_iterator: AsyncIterator[pb.CreateBookingsRequest], context: Any
    ) -> AsyncIterator[pb.CreateBookingsResponse]:
        heard: asyncio.Queue[Sequence[pb.CreateBookingRequest]] = asyncio.Queue()
        hearing = asyncio.create_task(self._hear(request_iterator, heard), name="orders")
        try:
            yield pb.CreateBookingsResponse()
            while orders := await heard.get():
                await self.answering.wait()
                yield pb.CreateBookingsResponse(outcomes=[self._outcome(order) for order in orders])
        finally:
            hearing.cancel()

    async def _hear(
        self,
        requests: AsyncIterator[pb.CreateBookingsRequest],
        heard: asyncio.Queue[Sequence[pb.CreateBookingRequest]],
    ) -> None:
        async for request in requests:
            for order in request.orders:
                self.sent[order.booking_id] += 1
                of_event = self.heard.setdefault(order.event_id, [])
                if order.booking_id not in of_event:
                    of_event.append(order.booking_id)
            heard.put_nowait(request.orders)
        heard.put_nowait(())

    async def GetBooking(self, request: pb.GetBookingRequest, context: Any) -> pb.GetBookingResponse:
        return pb.GetBookingResponse(booking=self._known(request.booking_id))

    async def CancelBooking(self, request: pb.CancelBookingRequest, context: Any) -> pb.CancelBookingResponse:
        booking = self._known(request.booking_id)
        booking.status, booking.reason = pb.CANCELLED, "cancelled-by-buyer"
        return pb.CancelBookingResponse(booking=booking)

    def _known(self, booking_id: str) -> pb.Booking:
        if self.faults > 0:
            self.faults -= 1
            raise RuntimeError("a bug of booking's")
        if booking_id not in self.bookings:
            raise PeerRefused(Kind.MISSING, "unknown-booking", "no such booking")
        return self.bookings[booking_id]

    def _outcome(self, order: pb.CreateBookingRequest) -> pb.BookingOutcome:
        outcome = pb.BookingOutcome(booking_id=order.booking_id)
        if order.booking_id in self.refused:
            outcome.refused.kind, outcome.refused.reason = "invalid", self.refused[order.booking_id]
            return outcome
        if self.later[order.booking_id] > 0:
            self.later[order.booking_id] -= 1
            outcome.refused.kind, outcome.refused.reason = "later", "dependency-down"
            return outcome
        booking = pb.Booking(
            booking_id=order.booking_id, user_id=order.user_id, event_id=order.event_id, status=pb.CONFIRMED
        )
        outcome.booking.CopyFrom(self.bookings.setdefault(order.booking_id, booking))
        return outcome


@asynccontextmanager
async def serving_booking(twin: TwinBooking, port: int) -> AsyncIterator[None]:
    server = RpcServer(
        f"127.0.0.1:{port}",
        [("booking.BookingService", lambda s: booking_pb2_grpc.add_BookingServiceServicer_to_server(twin, s))],
    )
    await server.start()
    await server.set_ready(ready=True)
    try:
        yield
    finally:
        await server.stop(0)
