"""The channels between instances: what any instance publishes reaches the sockets of this one."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from services.kit.errors import NotNow
from services.kit.redis import redis_errors
from services.realtime import metrics
from services.realtime.domain import Delivered
from services.realtime.hub import Hub
from services.realtime.reception import Reception
from services.realtime.repository import ROOMS_CHANNEL, USERS_CHANNEL, entry_cursor
from services.realtime.rooms import Wire, from_wire

# A channel that is silent this long is asked whether it is still there, and given up after as long again.
SILENCE_S: Final = 3.0
BACKOFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_USER_BATCH: Final = msgspec.msgpack.Decoder(list[tuple[str, str, str]])
_ROOM_BATCH: Final = msgspec.msgpack.Decoder(list[Wire])
log = structlog.get_logger()


class Subscription:
    """Keeps this instance subscribed. After every silence its sockets catch up from their inboxes."""

    def __init__(self, redis: Redis, hub: Hub, reception: Reception) -> None:
        self._redis, self._hub, self._reception = redis, hub, reception

    async def run(self) -> None:
        failures = 0
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await self._subscribe(channel)
                    failures = 0
                    await self._listen(channel)
            except NotNow as error:
                log.warning("channel_lost", error=str(error))
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                failures += 1

    async def _subscribe(self, channel: PubSub) -> None:
        with redis_errors():
            await channel.subscribe(USERS_CHANNEL, ROOMS_CHANNEL)
            for _ in range(2):
                if await channel.get_message(timeout=SILENCE_S) is None:
                    raise TimeoutError
        self._reception.hold_all()
        await self._reception.catch_up()

    async def _listen(self, channel: PubSub) -> None:
        asked = False
        while True:
            with redis_errors():
                message = await channel.get_message(timeout=SILENCE_S)
                if message is None:
                    if asked:
                        raise TimeoutError
                    await channel.ping()
                asked = message is None
            if message is not None and message["type"] == "message":
                self._receive(bytes(message["channel"]), bytes(message["data"]))

    def _receive(self, channel: bytes, batch: bytes) -> None:
        if channel == ROOMS_CHANNEL.encode():
            for wire in _ROOM_BATCH.decode(batch):
                self._hub.broadcast(from_wire(wire))
            return
        last = 0
        for user_id, entry_id, text in _USER_BATCH.decode(batch):
            if self._hub.knows(user_id):
                cursor = entry_cursor(entry_id)
                last = cursor[0]
                self._hub.deliver([Delivered(user_id, cursor, text.encode())])
        if last:
            metrics.LATENCY.observe(max(0.0, time.time() - last / 1000))
