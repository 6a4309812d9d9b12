"""Inboxes, channels and the count of instances in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import msgspec
from redis.asyncio import Redis

from protos import queue
from services.kit.batching import Batcher
from services.kit.errors import DependencyDown
from services.kit.redis import redis_errors
from services.kit.tracing import is_sampled
from services.realtime.domain import BEGINNING, Cursor, Delivered, Line, UserMessage, cursor_text
from services.realtime.ports import Cluster
from services.realtime.rooms import Broadcast, Wire, to_wire

USERS_CHANNEL: Final = "rt:users"
ROOMS_CHANNEL: Final = "rt:rooms"
INSTANCES: Final = "rt:instances"
# What an inbox keeps, and for how long after its last message; a message is known as sent for as long.
INBOX_LENGTH: Final = 100
KEPT_S: Final = 3600
# An instance that reports no more is forgotten after this.
REPORT_KEPT_S: Final = 15
# Messages of one script: it holds up everybody else for about 5 us each.
MAX_DELIVERED: Final = 500

# KEYS: of each message the key that says it was sent, and the inbox. ARGV: seconds, length, channel, then of each
# message the user, the text without its id, and `` (no key), `full` or `part`.
# One script for one batch: what is in the inbox was published, in the same order.
_DELIVER: Final = """
local fresh, batch = {}, {}
for i = 1, #KEYS / 2 do
  local once, inbox = KEYS[2 * i - 1], KEYS[2 * i]
  local user, tail, mark = ARGV[3 * i + 1], ARGV[3 * i + 2], ARGV[3 * i + 3]
  fresh[i] = 1
  if mark ~= '' and not redis.call('SET', once, mark, 'NX', 'EX', ARGV[1]) then
    if mark == 'full' and redis.call('GET', once) == 'part' then
      redis.call('SET', once, mark, 'EX', ARGV[1])
    else
      fresh[i] = 0
    end
  end
  if fresh[i] == 1 then
    local id = redis.call('XADD', inbox, 'MAXLEN', '~', ARGV[2], '*', 'm', tail)
    redis.call('EXPIRE', inbox, ARGV[1])
    batch[#batch + 1] = {user, id, '{"id":"' .. id .. '",' .. tail}
  end
end
if #batch > 0 then redis.call('PUBLISH', ARGV[3], cmsgpack.pack(batch)) end
return fresh
"""
type Entries = list[tuple[bytes, dict[bytes, bytes]]]


class RedisExchange:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._inboxes = Batcher(self._read_inboxes, name="inboxes")

    async def deliver(self, messages: Sequence[UserMessage]) -> Sequence[bool]:
        fresh: list[bool] = []
        for start in range(0, len(messages), MAX_DELIVERED):
            fresh += await self._deliver(messages[start : start + MAX_DELIVERED])
        return fresh

    async def _deliver(self, messages: Sequence[UserMessage]) -> list[bool]:
        keys: list[str] = []
        values: list[str | bytes | int] = [KEPT_S, INBOX_LENGTH, USERS_CHANNEL]
        for message in messages:
            inbox = inbox_key(message.user_id)
            keys += (f"rt:sent:{message.user_id}:{message.dedupe}" if message.dedupe else inbox, inbox)
            mark = "" if not message.dedupe else "full" if message.complete else "part"
            values += (message.user_id, _tail(message), mark)
        with redis_errors():
            return [bool(one) for one in await self._redis.eval(_DELIVER, len(keys), *keys, *values)]

    async def broadcast(self, messages: Sequence[Broadcast]) -> None:
        batch: list[Wire] = [to_wire(message) for message in messages]
        with redis_errors():
            await self._redis.publish(ROOMS_CHANNEL, msgspec.msgpack.encode(batch))

    async def missed(self, user_id: str, after: Cursor) -> Sequence[Delivered]:
        return await self._inboxes((user_id, after))

    async def newest(self, user_id: str) -> Cursor:
        found = await self._inboxes((user_id, None))
        return found[0].cursor if found else BEGINNING

    async def _read_inboxes(
        self, readings: Sequence[tuple[str, Cursor | None]]
    ) -> Sequence[Sequence[Delivered] | Exception]:
        pipeline = self._redis.pipeline(transaction=False)
        for user_id, after in readings:
            if after is None:
                pipeline.xrevrange(inbox_key(user_id), count=1)
            else:
                pipeline.xrange(inbox_key(user_id), min=f"({cursor_text(after)}")
        with redis_errors():
            found = cast("list[Entries]", await pipeline.execute())
        return [_delivered(user_id, entries) for (user_id, _), entries in zip(readings, found, strict=True)]

    async def line(self, event_id: str) -> Line | None:
        with redis_errors():
            served, last = await self._redis.mget(queue.served(event_id), queue.last_number(event_id))
        return None if last is None else Line(event_id, int(served or 0), int(last))

    async def report(self, instance_id: str, *, connections: int) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.sadd(INSTANCES, instance_id)
        pipeline.hset(_report_key(instance_id), "connections", connections)
        pipeline.expire(_report_key(instance_id), REPORT_KEPT_S)
        with redis_errors():
            await pipeline.execute()

    async def cluster(self) -> Cluster:
        with redis_errors():
            names = [name.decode() for name in cast("set[bytes]", await self._redis.smembers(INSTANCES))]
            pipeline = self._redis.pipeline(transaction=False)
            for name in names:
                pipeline.hget(_report_key(name), "connections")
            counts = dict(zip(names, await pipeline.execute(), strict=True)) if names else {}
            if gone := [name for name, count in counts.items() if count is None]:
                await self._redis.srem(INSTANCES, *gone)
        alive = [int(count) for count in counts.values() if count is not None]
        return Cluster(len(alive), sum(alive))

    async def jwks(self) -> str:
        """The keys that auth published; raises DependencyDown("auth") while there are none."""
        with redis_errors():
            document = await self._redis.get(queue.JWKS)
        if document is None:
            raise DependencyDown("auth")
        return cast("bytes", document).decode()


def _tail(message: UserMessage) -> bytes:
    """The text without its id."""
    said = b'"type":"%b","data":%b}' % (message.type.encode(), message.body)
    if is_sampled(message.traceparent):
        return b'"traceparent":"%b",%b' % (message.traceparent.encode(), said)
    return said


def inbox_key(user_id: str) -> str:
    return f"rt:inbox:{user_id}"


def _report_key(instance_id: str) -> str:
    return f"rt:instance:{instance_id}"


def entry_cursor(entry_id: str) -> Cursor:
    ms, _, number = entry_id.partition("-")
    return int(ms), int(number)


def _delivered(user_id: str, entries: Entries) -> Sequence[Delivered]:
    return [
        Delivered(user_id, entry_cursor(entry_id.decode()), b'{"id":"%b",%b' % (entry_id, fields[b"m"]))
        for entry_id, fields in entries
    ]
