"""The lines in Redis (protos/queue.py names their keys)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, cast

from google.protobuf.message import DecodeError
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from protos import queue
from protos.gen import booking_pb2
from services.booking_worker.domain import ALONE_FROM, MAX_ORDER_BYTES, Backlog, Claimed, Entry, Verdict
from services.booking_worker.scripts import ALIVE, CANCELLED, CLAIM, LEASE, NOTE, READ, RELEASE, RENEW, SETTLE, SURVEY
from services.kit.redis import redis_errors

# A read waits this long for a first entry: a lease that is new, or a stop, is noticed after that.
BLOCK_MS: Final = 300
CLAIMED_AT_ONCE: Final = 200
MAX_DEAD: Final = 1_000

type Fields = dict[bytes, bytes]


class RedisQueue:
    """`blocking` is a client of its own whose calls may take longer than a read waits.

    `instance` names the process among its replicas, the same after it was started again; `life` differs at each start.
    """

    def __init__(self, redis: Redis, blocking: Redis, *, instance: str, life: str, lease_s: float) -> None:
        self._redis, self._blocking, self._instance = redis, blocking, instance
        # Who has a lease is a life, so an earlier one that still runs, frozen or cut off, has none.
        self._worker = f"{instance}/{life}"
        self._lease_ms = int(lease_s * 1000)
        # The last entry of each stream when the last read found nothing new.
        self._newest: dict[bytes, bytes] = {}

    async def survey(self) -> Sequence[Backlog]:
        with redis_errors():
            found = await self._redis.eval(SURVEY, 1, queue.EVENTS, queue.stream(""))
        events, depths, firsts = found[0::3], found[1::3], found[2::3]
        return [
            Backlog(event.decode(), int(depth), _ms(first.decode()))
            for event, depth, first in zip(events, depths, firsts, strict=True)
        ]

    async def alive(self) -> int:
        with redis_errors():
            return int(await self._redis.eval(ALIVE, 1, queue.WORKERS, self._instance, self._lease_ms))

    async def arrive(self) -> None:
        # By the end of one lease nothing of an earlier life is left to take.
        with redis_errors():
            await self._redis.set(queue.latest_life(self._instance), self._worker, px=self._lease_ms)

    async def goodbye(self) -> None:
        with redis_errors():
            await self._redis.zrem(queue.WORKERS, self._instance)

    async def lease(self, event_ids: Sequence[str]) -> Collection[str]:
        keys = [queue.latest_life(self._instance), *map(queue.lease, event_ids)]
        with redis_errors():
            taken = await self._redis.eval(LEASE, len(keys), *keys, self._worker, self._lease_ms, f"{self._instance}/")
        ours = [event_id for event_id, is_ours in zip(event_ids, taken, strict=True) if is_ours]
        await self._create_groups(ours)
        return ours

    async def _create_groups(self, event_ids: Sequence[str]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for event_id in event_ids:
            pipeline.xgroup_create(queue.stream(event_id), queue.GROUP, id="0", mkstream=True)
        with redis_errors():
            for reply in await pipeline.execute(raise_on_error=False):
                if isinstance(reply, Exception) and not str(reply).startswith("BUSYGROUP"):
                    raise reply

    async def renew(self, event_ids: Sequence[str]) -> Collection[str]:
        if not event_ids:
            return ()
        leases = [queue.lease(event_id) for event_id in event_ids]
        with redis_errors():
            ours = await self._redis.eval(RENEW, len(leases), *leases, self._worker, self._lease_ms)
        return [event_id for event_id, is_ours in zip(event_ids, ours, strict=True) if is_ours]

    async def release(self, event_ids: Sequence[str]) -> None:
        if event_ids:
            leases = [queue.lease(event_id) for event_id in event_ids]
            with redis_errors():
                await self._redis.eval(RELEASE, len(leases), *leases, self._worker)

    async def claim(self, event_id: str, *, idle_s: float = 0, taken_over: bool = False) -> Claimed:
        claimed: list[Entry] = []
        after = "0-0"
        while True:
            numbers = (int(idle_s * 1000), after, CLAIMED_AT_ONCE, int(taken_over), ALONE_FROM)
            keys = (queue.lease(event_id), queue.stream(event_id))
            with redis_errors():
                more, *rest = await self._redis.eval(
                    CLAIM, 2, *keys, self._worker, queue.GROUP, queue.CONSUMER, *numbers
                )
            found = rest[0] if rest else ()
            page = [_entry(event_id, entry_id, _fields(raw), taken) for (entry_id, raw), taken in found]
            claimed += page
            # A page that is not full ends before an entry that is to be worked alone, or after it.
            if not more or len(page) < CLAIMED_AT_ONCE:
                return Claimed(claimed, more=bool(more))
            after = page[-1].entry_id

    async def read(self, event_ids: Sequence[str], *, count: int, at_most: int) -> Sequence[Entry]:
        events = {queue.stream(event_id).encode(): event_id for event_id in event_ids}
        keys = [key for event_id in event_ids for key in (queue.lease(event_id), queue.stream(event_id))]
        values = (self._worker, queue.GROUP, queue.CONSUMER, count, at_most)
        with redis_errors():
            is_new, found = await self._redis.eval(READ, len(keys), *keys, *values)
        if not is_new:
            self._newest = dict(zip(events, found, strict=True))
            return ()
        return [
            _entry(events[stream], entry_id, _fields(raw)) for stream, entries in found for entry_id, raw in entries
        ]

    async def wait(self) -> None:
        if self._newest:
            with redis_errors():
                await self._blocking.xread(cast("Any", self._newest), count=1, block=BLOCK_MS)

    async def cancelled(self, booking_ids: Sequence[str]) -> Collection[str]:
        if not booking_ids:
            return ()
        records = [queue.record(booking_id) for booking_id in booking_ids]
        with redis_errors():
            marks = await self._redis.eval(CANCELLED, len(records), *records, queue.RECORD_CANCELLED)
        return {booking_id for booking_id, marked in zip(booking_ids, marks, strict=True) if marked}

    async def settle(self, verdicts: Mapping[str, Sequence[Verdict]], served: Mapping[str, int]) -> None:
        pipeline = self._redis.pipeline(transaction=True)
        for event_id, of_event in verdicts.items():
            for verdict in of_event:
                _note(pipeline, verdict)
            entry_ids = [verdict.entry.entry_id for verdict in of_event]
            keys = (queue.stream(event_id), queue.served(event_id))
            pipeline.eval(SETTLE, 2, *keys, queue.GROUP, served[event_id], *entry_ids)
        with redis_errors():
            await pipeline.execute()

    async def last_numbers(self, event_ids: Sequence[str]) -> Sequence[int]:
        with redis_errors():
            found = await self._redis.mget([queue.last_number(event_id) for event_id in event_ids])
        return [int(number or 0) for number in found]


def _note(pipeline: Pipeline, verdict: Verdict) -> None:
    """What a verdict leaves behind besides the gap in the line."""
    entry, decided = verdict.entry, verdict.decided
    if decided is not None and not decided.booking and entry.booking_id:
        values = (queue.RECORD_STATUS, decided.status.value, queue.RECORD_REASON, decided.reason)
        pipeline.eval(NOTE, 1, queue.record(entry.booking_id), *values)
    if verdict.buried:
        fields = {queue.ORDER: entry.order, queue.NUMBER: entry.number, queue.DEAD_ENTRY: entry.entry_id}
        dead = fields | {queue.DEAD_REASON: verdict.buried, queue.DEAD_TRIES: verdict.tries}
        pipeline.sadd(queue.DEAD_EVENTS, entry.event_id)
        pipeline.xadd(queue.dead(entry.event_id), dead, maxlen=MAX_DEAD)  # type: ignore[arg-type] # dict is invariant


def _fields(raw: Sequence[bytes]) -> Fields:
    return dict(zip(raw[0::2], raw[1::2], strict=True))


def _entry(event_id: str, entry_id: bytes, fields: Fields, taken: int = 1) -> Entry:
    """The order; one that cannot be worked says why in `fault`."""
    order, number = fields.get(queue.ORDER.encode(), b""), fields.get(queue.NUMBER.encode(), b"")
    fault = "" if order else "no-order"
    message = booking_pb2.CreateBookingRequest()
    try:
        message.ParseFromString(order)
    except DecodeError:
        fault = "unreadable-order"
    if len(order) > MAX_ORDER_BYTES:
        fault = "oversized-order"
    if not fault and not (message.booking_id and message.user_id):
        fault = "incomplete-order"
    if not fault and message.event_id != event_id:
        fault = "wrong-event"
    if not (number.isdigit() and 0 < int(number[:20]) < 2**53):
        fault, number = fault or "no-number", b"0"
    return Entry(
        event_id=event_id,
        entry_id=entry_id.decode(),
        number=int(number),
        queued_ms=_ms(entry_id.decode()),
        booking_id=message.booking_id,
        user_id=message.user_id,
        order=order,
        traceparent=message.traceparent,
        fault=fault,
        # One that was sent back from the dead letters was sent to booking before.
        taken=taken + (queue.AGAIN.encode() in fields),
    )


def _ms(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])
