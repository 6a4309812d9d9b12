"""Dead-letter streams of the booking queue in Redis. An order that is sent back is taken from there, in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from redis.asyncio import Redis

from protos import queue
from protos.gen import booking_pb2
from services.kit.redis import open_redis, redis_errors
from services.kit.settings import RedisSettings
from services.local.dead_letters.letters import DeadLetter, Found, NoSuchLetter

QUEUE: Final = "booking-queue"
LIVING, DEAD = queue.stream(""), queue.dead("")
# The newest of a stream that are looked at; it keeps about a thousand.
NEWEST: Final = 2_000

# KEYS: dead stream, stream, last number, events, record, events with dead entries.
# ARGV: the dead entry, event, fields' names.
# The order goes to the end of the line, with a number of its own, and its record says that it waits again.
REVIVE: Final = """
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return 0 end
local fields, order = found[1][2], ''
for i = 1, #fields, 2 do
  if fields[i] == ARGV[3] then order = fields[i + 1] end
end
local number = redis.call('INCR', KEYS[3])
redis.call('XADD', KEYS[2], '*', ARGV[3], order, ARGV[4], number, ARGV[8], '1')
redis.call('SADD', KEYS[4], ARGV[2])
if redis.call('EXISTS', KEYS[5]) == 1 then
  redis.call('HSET', KEYS[5], ARGV[5], number)
  redis.call('HDEL', KEYS[5], ARGV[6], ARGV[7])
end
redis.call('XDEL', KEYS[1], ARGV[1])
if redis.call('XLEN', KEYS[1]) == 0 then redis.call('SREM', KEYS[6], ARGV[2]) end
return number
"""

type Fields = dict[bytes, bytes]


class DeadStreams:
    store = "Redis (REDIS_HOST, REDIS_PORT, REDIS_PASSWORD)"

    def __init__(self, settings: RedisSettings) -> None:
        self._redis: Redis = open_redis(settings, name="dlq")

    def holds(self, name: str) -> bool:
        return name == QUEUE or name.startswith((LIVING, DEAD))

    async def letters(self, names: Sequence[str]) -> Found:
        events = {_event(name) for name in names}
        if not events or "" in events:
            with redis_errors():
                events = {event.decode() for event in await cast("Any", self._redis.smembers(queue.DEAD_EVENTS))}
        found: list[DeadLetter] = []
        for event_id in sorted(events):
            found += await self._of_event(event_id)
        return Found(sorted(found, key=lambda letter: letter.at))

    async def details(self, letter_id: str, *, body: bool) -> Mapping[str, object]:
        event_id, entry_id, fields = await self._find(letter_id)
        order = _order(fields)
        letter = _letter(event_id, entry_id, fields, order, await self._told(order))
        said = {"body": MessageToDict(order, preserving_proto_field_name=True)} if body else {}
        number, entry = (fields.get(name.encode(), b"").decode() for name in (queue.NUMBER, queue.DEAD_ENTRY))
        return letter.row() | {"number": number, "entry": entry, "traceparent": order.traceparent} | said

    async def replay(self, letter_id: str) -> str:
        event_id, entry_id, fields = await self._find(letter_id)
        booking_id = _order(fields).booking_id
        keys = (
            *(queue.dead(event_id), queue.stream(event_id), queue.last_number(event_id)),
            *(queue.EVENTS, queue.record(booking_id), queue.DEAD_EVENTS),
        )
        record = (queue.RECORD_NUMBER, queue.RECORD_STATUS, queue.RECORD_REASON)
        names = (queue.ORDER, queue.NUMBER, *record, queue.AGAIN)
        with redis_errors():
            number = await cast("Any", self._redis.eval(REVIVE, len(keys), *keys, entry_id, event_id, *names))
        if not number:
            raise _unknown(letter_id)
        return queue.stream(event_id)

    async def close(self) -> None:
        await self._redis.aclose()

    async def _of_event(self, event_id: str) -> Sequence[DeadLetter]:
        with redis_errors():
            entries = await self._redis.xrevrange(queue.dead(event_id), count=NEWEST)
        read = [(entry_id.decode(), fields, _order(fields)) for entry_id, fields in cast("Any", entries)]
        return [_letter(event_id, entry_id, fields, order, await self._told(order)) for entry_id, fields, order in read]

    async def _find(self, letter_id: str) -> tuple[str, str, Fields]:
        stream, _, entry_id = letter_id.rpartition("/")
        if not (stream.startswith(DEAD) and entry_id.replace("-", "", 1).isdecimal()):
            raise _unknown(letter_id)
        with redis_errors():
            found = await self._redis.xrange(stream, entry_id, entry_id)
        if not found:
            raise _unknown(letter_id)
        return _event(stream), entry_id, cast("Fields", found[0][1])

    async def _told(self, order: booking_pb2.CreateBookingRequest) -> str:
        """What the line's record says became of it."""
        if not order.booking_id:
            return ""
        with redis_errors():
            status = await cast("Any", self._redis.hget(queue.record(order.booking_id), queue.RECORD_STATUS))
        return f"buyer was told {status.decode()}" if status else ""


def _event(name: str) -> str:
    """Of a stream by either of its names; empty: of all."""
    return name.removeprefix(DEAD).removeprefix(LIVING) if name != QUEUE else ""


def _order(fields: Fields) -> booking_pb2.CreateBookingRequest:
    """As much of it as can be read."""
    order = booking_pb2.CreateBookingRequest()
    try:
        order.ParseFromString(fields.get(queue.ORDER.encode(), b""))
    except DecodeError:
        return booking_pb2.CreateBookingRequest()
    return order


def _letter(
    event_id: str, entry_id: str, fields: Fields, order: booking_pb2.CreateBookingRequest, told: str
) -> DeadLetter:
    tries = fields.get(queue.DEAD_TRIES.encode(), b"1")
    return DeadLetter(
        id=f"{queue.dead(event_id)}/{entry_id}",
        key=order.booking_id,
        type=order.DESCRIPTOR.full_name,
        reason=fields.get(queue.DEAD_REASON.encode(), b"").decode(errors="replace"),
        at=datetime.fromtimestamp(int(entry_id.partition("-")[0]) / 1000, UTC),
        tries=int(tries),
        by=queue.GROUP,
        told=told,
    )


def _unknown(letter_id: str) -> NoSuchLetter:
    return NoSuchLetter(f"no dead letter {letter_id}: see `dlq list`")
