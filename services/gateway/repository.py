"""The line of each event in Redis (protos/queue.py names its keys)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal, cast

from opentelemetry.trace import SpanKind
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, OutOfMemoryError

from protos import queue
from protos.gen import booking_pb2 as booking
from protos.gen import ticket_pb2 as ticket
from services.gateway.domain import InLine, KeyReused, Order, Queued, QueueFull
from services.gateway.scripts import CANCEL, PLACE
from services.kit import tracing
from services.kit.clock import Clock
from services.kit.errors import DependencyDown
from services.kit.redis import redis_errors

# How long an order that nobody served is remembered, and an idempotency key with it.
KEPT_S: Final = 24 * 3600
# What a trace calls the lines of all events.
QUEUE: Final = "booking-queue"
_ENDED: Final[dict[bytes, Literal["rejected", "cancelled"]]] = {b"REJECTED": "rejected", b"CANCELLED": "cancelled"}

# Puts the proof on an order, made of auth's word of its buyer.
type Prove = Callable[[booking.CreateBookingRequest, str], None]


class RedisQueue:
    def __init__(self, redis: Redis, now: Clock, *, limit: int, prove: Prove | None = None) -> None:
        """`prove` puts proofs on the orders of buyers who are spoken for."""
        self._redis, self._now, self._limit, self._prove = redis, now, limit, prove
        self._place_sha = ""

    async def place(self, orders: Sequence[Order]) -> Sequence[Queued | Exception]:
        at_ms = int(self._now().timestamp() * 1000)
        with _sent(orders) as traced, redis_errors():
            commands = [self._command(order, at_ms) for order in traced]
            try:
                replies = await self._run(commands)
            except DependencyDown:
                # A connection that had been idle may be dead; the script knows orders it has seen, so once more.
                replies = await self._run(commands)
        return [_outcome(order, reply) for order, reply in zip(orders, replies, strict=True)]

    async def repeated(self, order: Order) -> Queued | None:
        with redis_errors():
            first = await self._hash(_idempotency(order))
            served = await self._served(order.event_id)
        if not first:
            return None
        if first[b"digest"].decode() != order.digest:
            raise KeyReused
        return _queued(order, first[b"booking_id"], first[b"number"], served, first[b"queued_at"])

    async def find(self, booking_id: str) -> Queued | None:
        with redis_errors():
            record = await self._hash(queue.record(booking_id))
            if not record:
                return None
            event_id = record[queue.RECORD_EVENT.encode()].decode()
            served = await self._served(event_id)
        return Queued(
            booking_id=booking_id,
            user_id=record[queue.RECORD_USER.encode()].decode(),
            event_id=event_id,
            line=InLine(int(record[queue.RECORD_NUMBER.encode()]), int(served)),
            queued_at=_time(record[queue.RECORD_QUEUED_AT.encode()]),
            cancelled=record.get(queue.RECORD_CANCELLED.encode()) == b"1",
            ended=_ENDED.get(record.get(queue.RECORD_STATUS.encode(), b"")),
            reason=record.get(queue.RECORD_REASON.encode(), b"").decode(),
        )

    async def cancel(self, booking_id: str, *, user_id: str) -> Queued | None:
        waiting = await self.find(booking_id)
        if waiting is None:
            return None
        keys = (queue.record(booking_id), queue.served(waiting.event_id))
        with redis_errors():
            marked = await self._redis.eval(CANCEL, len(keys), *keys, user_id)
        return await self.find(booking_id) if marked else None

    async def _hash(self, key: str) -> dict[bytes, bytes]:
        return cast("dict[bytes, bytes]", await self._redis.hgetall(key))

    async def _served(self, event_id: str) -> bytes:
        return cast("bytes | None", await self._redis.get(queue.served(event_id))) or b"0"

    async def _run(self, commands: Sequence[tuple[str | bytes | int, ...]]) -> list[object]:
        """One pipeline; what Redis did not know the script for is sent again once it does."""
        replies = await self._send(commands)
        forgotten = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if forgotten:
            self._place_sha = ""
            again = await self._send([commands[index] for index in forgotten])
            for index, reply in zip(forgotten, again, strict=True):
                replies[index] = reply
        return replies

    async def _send(self, commands: Sequence[tuple[str | bytes | int, ...]]) -> list[object]:
        with redis_errors():
            if not self._place_sha:
                self._place_sha = str(await self._redis.script_load(PLACE))
            pipeline = self._redis.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command("EVALSHA", self._place_sha, *command)
            return cast("list[object]", await pipeline.execute(raise_on_error=False))

    def _command(self, order: Order, at_ms: int) -> tuple[str | bytes | int, ...]:
        keys: list[str | bytes] = [queue.record(order.booking_id), *_event_keys(order.event_id)]
        if order.idempotency_key:
            keys.append(_idempotency(order))
        values = (order.booking_id, order.user_id, order.event_id, at_ms, self._entry(order), order.digest)
        return (len(keys), *keys, *values, self._limit, KEPT_S)

    def _entry(self, order: Order) -> bytes:
        message = _message(order)
        if self._prove and order.word:
            self._prove(message, order.word)
        return message.SerializeToString()


@contextmanager
def _sent(orders: Sequence[Order]) -> Iterator[Sequence[Order]]:
    """The orders as they travel: each of a sampled trace has its span, which is where the worker goes on."""
    about = {"messaging.system": "redis", "messaging.destination.name": QUEUE, "messaging.operation.type": "send"}
    spans = [
        tracing.begun(f"send {QUEUE}", parent=order.traceparent, kind=SpanKind.PRODUCER, attributes=about)
        if tracing.is_sampled(order.traceparent)
        else None
        for order in orders
    ]
    try:
        yield [
            replace(order, traceparent=tracing.traceparent(span)) if span else order
            for order, span in zip(orders, spans, strict=True)
        ]
    finally:
        for span in filter(None, spans):
            span.end()


@lru_cache(256)
def _event_keys(event_id: str) -> tuple[bytes, ...]:
    """Encoded once: the client library pays for every text it is given."""
    names = (queue.last_number(event_id), queue.stream(event_id), queue.EVENTS, queue.served(event_id))
    return tuple(name.encode() for name in names)


def _idempotency(order: Order) -> str:
    return f"idempotency:{order.user_id}:{order.idempotency_key}"


def _message(order: Order) -> booking.CreateBookingRequest:
    return booking.CreateBookingRequest(
        booking_id=order.booking_id,
        user_id=order.user_id,
        event_id=order.event_id,
        seat_ids=order.seats,
        quantities=[ticket.Quantity(section_id=name, quantity=count) for name, count in order.areas.items()],
        payment_method=order.payment_method,
        traceparent=order.traceparent,
    )


def _outcome(order: Order, reply: object) -> Queued | Exception:
    if isinstance(reply, Exception):
        return _fault(reply)
    outcome, *values = cast("list[bytes]", reply)
    match outcome:
        case b"reused":
            return KeyReused()
        case b"full":
            return QueueFull()
    return _queued(order, *values)


def _fault(error: Exception) -> Exception:
    """What an error that came back as a reply means; one without memory to spare takes no orders either."""
    if isinstance(error, OutOfMemoryError):
        return DependencyDown("redis")
    try:
        with redis_errors():
            raise error  # noqa: TRY301 - so that it becomes what it would have become had it been raised
    except Exception as meant:  # noqa: BLE001 - it is an outcome, raised at the one caller it belongs to
        return meant


def _queued(order: Order, booking_id: bytes, number: bytes | int, served: bytes, queued_at: bytes) -> Queued:
    return Queued(
        booking_id=booking_id.decode(),
        user_id=order.user_id,
        event_id=order.event_id,
        line=InLine(int(number), int(served)),
        queued_at=_time(queued_at),
    )


def _time(milliseconds: bytes) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
