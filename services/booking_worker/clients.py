"""booking and realtime, as the worker calls them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Final

import grpc
import structlog
from opentelemetry.trace import Span, SpanKind

from protos.gen import booking_pb2, booking_pb2_grpc, realtime_pb2, realtime_pb2_grpc
from services.booking_worker import metrics
from services.booking_worker.domain import Decided, Entry, Outcome, Status, Undecided, refused
from services.kit import tracing
from services.kit.clock import utc_now
from services.kit.errors import DependencyDown, Kind, NotNow, Refusal, Told
from services.kit.rpc.client import Peer
from services.kit.rpc.status import PeerFault, kind_named, told_by

# Orders of one message, and their bytes: gRPC takes 4 MiB.
MAX_ORDERS: Final = 200
MAX_BYTES: Final = 1024 * 1024
# A stream is opened anew after this: booking ends connections that are older than a minute.
STREAM_LIVES_S: Final = 45.0
# An old stream may take this long to answer what it was sent.
LAST_ANSWERS_S: Final = 10.0
# Without any answer for this long, while some are due, the stream is taken for dead.
SILENCE_S: Final = 30.0
WATCH_S: Final = 1.0
BACKOFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
NOTIFY_TIMEOUT_S: Final = 2.0
log = structlog.get_logger()

type Stream = grpc.aio.StreamStreamCall[booking_pb2.CreateBookingsRequest, booking_pb2.CreateBookingsResponse]
type OnOutcomes = Callable[[Sequence[tuple[str, Outcome]]], None]
type BookingPeer = Peer[booking_pb2_grpc.BookingServiceAsyncStub]


class OrderStream:
    """One long stream to booking. What it did not answer is sent again, in order, on the next one.

    That is safe because booking runs a booking once however often it is sent.
    """

    def __init__(self, peer: BookingPeer, on_outcomes: OnOutcomes, *, lives_s: float = STREAM_LIVES_S) -> None:
        self._peer, self._on_outcomes, self._lives_s = peer, on_outcomes, lives_s
        # In the order they are to be sent.
        self._unanswered: dict[str, bytes] = {}
        self._unsent: deque[str] = deque()
        self._wake = asyncio.Event()
        self._heard_at = 0.0
        self._failures = 0
        # Of orders whose trace is sampled, until they are answered.
        self._spans: dict[str, Span] = {}

    def submit(self, entries: Sequence[Entry]) -> None:
        loop = asyncio.get_running_loop()
        if not self._unanswered:
            self._heard_at = loop.time()
        for entry in entries:
            if entry.booking_id not in self._unanswered:
                self._unanswered[entry.booking_id] = entry.order + _waited(entry)
                if tracing.is_sampled(entry.traceparent) and (span := _processing(entry)):
                    self._spans[entry.booking_id] = span
                self._unsent.append(entry.booking_id)
        self._wake.set()

    def forget(self, booking_ids: Collection[str]) -> None:
        for booking_id in booking_ids:
            self._unanswered.pop(booking_id, None)
            if span := self._spans.pop(booking_id, None):
                span.end()

    async def check(self) -> None:
        """Raises while booking does not take our stream."""
        if self._failures:
            raise DependencyDown("booking")

    async def run(self) -> None:
        while True:
            try:
                await self._stream()
            except (NotNow, PeerFault, Refusal) as error:
                log.warning("booking_stream_broke", error=str(error), unanswered=len(self._unanswered))
                await asyncio.sleep(BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)])
                self._failures += 1

    async def _stream(self) -> None:
        metrics.RECONNECTS.inc()
        self._unsent = deque(self._unanswered)
        self._heard_at = asyncio.get_running_loop().time()
        call = self._peer.stub.CreateBookings()
        tasks = [
            asyncio.create_task(self._write(call), name="orders"),
            asyncio.create_task(self._read(call), name="outcomes"),
        ]
        try:
            await self._watch(*tasks)
        except grpc.aio.AioRpcError as error:
            raise told_by("booking", error) from error
        except asyncio.InvalidStateError as error:
            # A write to a stream that has ended; how it ended is for its reader to say.
            raise DependencyDown("booking") from error
        finally:
            for task in tasks:
                task.cancel()
            call.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, writing: asyncio.Task[None], reading: asyncio.Task[None]) -> None:
        """Until booking has answered all that was written; a stream that broke or fell silent raises."""
        loop = asyncio.get_running_loop()
        last_answers_at: float | None = None
        while True:
            waits = {reading} if writing.done() else {reading, writing}
            await asyncio.wait(waits, timeout=WATCH_S, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
                if not writing.done():
                    raise DependencyDown("booking")
                return
            if writing.done():
                writing.result()
                last_answers_at = last_answers_at or loop.time() + LAST_ANSWERS_S
                if loop.time() > last_answers_at:
                    return
            if self._unanswered and loop.time() - self._heard_at > SILENCE_S:
                raise DependencyDown("booking")

    async def _write(self, call: Stream) -> None:
        """What gathers while one message is written is the next one. Ends when the stream is old."""
        until = asyncio.get_running_loop().time() + self._lives_s
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until) as bound:
                while True:
                    if self._unsent:
                        bound.reschedule(None)
                        await call.write(self._next_message())
                        self._peer.streamed(self._peer.stub.CreateBookings)
                        bound.reschedule(until)
                    else:
                        self._wake.clear()
                        await self._wake.wait()
        await call.done_writing()

    def _next_message(self) -> booking_pb2.CreateBookingsRequest:
        message, size = booking_pb2.CreateBookingsRequest(), 0
        while self._unsent and len(message.orders) < MAX_ORDERS and size < MAX_BYTES:
            booking_id = self._unsent.popleft()
            order = self._unanswered.get(booking_id)
            if order is not None:
                added = message.orders.add()
                added.MergeFromString(order)
                size += len(order)
                if span := self._spans.get(booking_id):
                    added.traceparent = tracing.traceparent(span)
        return message

    async def _read(self, call: Stream) -> None:
        while isinstance(response := await call.read(), booking_pb2.CreateBookingsResponse):
            self._heard_at, self._failures = asyncio.get_running_loop().time(), 0
            self.forget([outcome.booking_id for outcome in response.outcomes])
            self._on_outcomes([(outcome.booking_id, _outcome(outcome)) for outcome in response.outcomes])
        status = await call.code()
        if status is not grpc.StatusCode.OK:
            raise DependencyDown("booking")


def _waited(entry: Entry) -> bytes:
    """How it came here, for its timeline; serialised messages are merged by writing one after the other."""
    message = booking_pb2.CreateBookingRequest()
    message.waited.number = entry.number
    message.waited.queued_at.FromMilliseconds(entry.queued_ms)
    message.waited.taken_at.FromDatetime(utc_now())
    return message.SerializeToString()


def _processing(entry: Entry) -> Span | None:
    about = {
        "messaging.system": "redis",
        "messaging.destination.name": "booking-queue",
        "messaging.operation.type": "process",
        "messaging.message.id": entry.entry_id,
        "ticketing.booking.id": entry.booking_id,
    }
    name = "process booking-queue"
    return tracing.begun(name, parent=entry.traceparent, kind=SpanKind.CONSUMER, attributes=about)


def _outcome(outcome: booking_pb2.BookingOutcome) -> Outcome:
    if outcome.HasField("booking"):
        return _decided(outcome.booking)
    return refused(kind_named(outcome.refused.kind), outcome.refused.reason)


def _decided(booking: booking_pb2.Booking) -> Outcome:
    try:
        status = Status(booking_pb2.BookingStatus.Name(booking.status))
    except ValueError:
        return Undecided("pending")
    return Decided(status, booking.reason, booking.SerializeToString())


class BookingClient:
    def __init__(self, peer: BookingPeer) -> None:
        self._peer = peer

    async def cancel(self, entry: Entry) -> Outcome | None:
        request = booking_pb2.CancelBookingRequest(booking_id=entry.booking_id, user_id=entry.user_id)
        request.order.MergeFromString(entry.order)
        with tracing.adopted(entry.traceparent):
            try:
                return _decided((await self._peer.call(self._peer.stub.CancelBooking, request)).booking)
            except NotNow as told:
                return Undecided(told.reason)
            except PeerFault:
                return Undecided("internal")
            except Refusal:
                return None

    async def known(self, entry: Entry) -> bool:
        request = booking_pb2.GetBookingRequest(booking_id=entry.booking_id, user_id=entry.user_id)
        request.order.MergeFromString(entry.order)
        try:
            await self._peer.call(self._peer.stub.GetBooking, request)
        except PeerFault as fault:
            # Its bug ends neither the worker nor the order.
            raise DependencyDown("booking") from fault
        except Refusal as refusal:
            if refusal.kind is Kind.MISSING:
                return False
            raise
        return True


class RealtimeClient:
    def __init__(self, peer: Peer[realtime_pb2_grpc.RealtimeServiceAsyncStub]) -> None:
        self._peer = peer

    async def tell(self, results: Sequence[tuple[Entry, Decided]]) -> None:
        request = realtime_pb2.NotifyBookingResultsRequest(results=[_result(*result) for result in results])
        try:
            with tracing.joined("tell", [entry.traceparent for entry, _ in results]):
                await self._peer.call(self._peer.stub.NotifyBookingResults, request, timeout_s=NOTIFY_TIMEOUT_S)
        except PeerFault as fault:
            # Its bug is no reason to hold up the line.
            raise DependencyDown("realtime") from fault

    async def tell_position(self, event_id: str, *, now_serving: int, last_number: int) -> None:
        request = realtime_pb2.NotifyQueuePositionRequest(
            event_id=event_id, now_serving=now_serving, last_number=max(last_number, now_serving)
        )
        try:
            await self._peer.call(self._peer.stub.NotifyQueuePosition, request, timeout_s=NOTIFY_TIMEOUT_S)
        except (PeerFault, Told) as error:
            raise DependencyDown("realtime") from error


def _result(entry: Entry, decided: Decided) -> realtime_pb2.NotifyBookingResultRequest:
    result = realtime_pb2.NotifyBookingResultRequest(user_id=entry.user_id, traceparent=entry.traceparent)
    if decided.booking:
        result.booking.MergeFromString(decided.booking)
        return result
    result.booking.booking_id, result.booking.user_id = entry.booking_id, entry.user_id
    result.booking.event_id, result.booking.reason = entry.event_id, decided.reason
    result.booking.status = booking_pb2.BookingStatus.Value(decided.status.value)
    return result
