"""A sale as a booking-worker meets it: a real Redis, a booking and a realtime that speak real gRPC."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, cast

from redis.asyncio import Redis

from protos import queue
from protos.gen import booking_pb2
from services.booking_worker.app import compose
from services.booking_worker.settings import BookingWorkerSettings
from services.kit.ids import new_id
from services.kit.redis import open_redis
from services.kit.settings import RedisSettings
from tests.conftest import Stores
from tests.ports import free_port
from tests.running import running
from tests.twins.booking_server import TwinBooking, serving_booking
from tests.twins.realtime_server import TwinRealtime, serving_realtime
from tests.waiting import until


class Sale:
    """Everything around a worker."""

    def __init__(self, redis: Redis, stores: Stores, peers: AsyncExitStack) -> None:
        self.redis, self.stores, self.peers = redis, stores, peers
        self.booking = TwinBooking()  # type: ignore[abstract] # the worker calls no others
        self.realtime = TwinRealtime()  # type: ignore[abstract] # as above
        self.booking_port, self.realtime_port = free_port(), free_port()

    @asynccontextmanager
    async def worker(self, **more: Any) -> AsyncIterator[BookingWorkerSettings]:
        async with running(
            BookingWorkerSettings, compose, self.stores, **(self.urls() | {"lease_s": 1.0} | more)
        ) as it:
            yield it

    def urls(self) -> dict[str, str]:
        return {
            "booking_service_url": f"127.0.0.1:{self.booking_port}",
            "realtime_service_url": f"127.0.0.1:{self.realtime_port}",
        }

    async def open_booking(self) -> None:
        await self.peers.enter_async_context(serving_booking(self.booking, self.booking_port))

    async def order(self, event_id: str, count: int = 1, *, user_id: str = "buyer") -> list[str]:
        """As the gateway does it."""
        booking_ids = [new_id() for _ in range(count)]
        for booking_id in booking_ids:
            number = await self.redis.incr(queue.last_number(event_id))
            order = booking_pb2.CreateBookingRequest(booking_id=booking_id, user_id=user_id, event_id=event_id)
            fields = {queue.ORDER: order.SerializeToString(), queue.NUMBER: number}
            await self.redis.hset(queue.record(booking_id), mapping={queue.RECORD_USER: user_id})
            await self.redis.xadd(queue.stream(event_id), fields)
        await self.redis.sadd(queue.EVENTS, event_id)
        return booking_ids

    async def empty(self, event_id: str) -> bool:
        return not await self.redis.xlen(queue.stream(event_id))

    async def dead_letters(self, event_id: str) -> list[bytes]:
        """Why each was buried."""
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", await self.redis.xrange(queue.dead(event_id)))
        return [fields[b"reason"] for _, fields in entries]

    async def both_work(self) -> bool:
        return bool(await self.redis.zcard(queue.WORKERS) == 2)

    async def until_empty(self, event_id: str) -> None:
        await until(partial(self.empty, event_id))

    async def worker_process(self, metrics_port: int = 0, **more: Any) -> asyncio.subprocess.Process:
        """A worker that can be killed."""
        stores = self.stores.settings()
        told = self.urls() | {
            "redis_host": stores["redis_host"],
            "redis_port": stores["redis_port"],
            "bind_host": "127.0.0.1",
            "metrics_port": metrics_port or free_port(),
            "lease_s": 1.0,
            **more,
        }
        environment = os.environ | {name.upper(): str(value) for name, value in told.items()}
        command = (sys.executable, "-m", "services.booking_worker")
        return await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.DEVNULL)


@asynccontextmanager
async def a_sale(stores: Stores) -> AsyncIterator[Sale]:
    """With an empty Redis; its booking is opened by the test."""
    redis = open_redis(RedisSettings(**stores.settings()), name="test")
    await redis.flushall()
    async with AsyncExitStack() as peers:
        sale = Sale(redis, stores, peers)
        await peers.enter_async_context(serving_realtime(sale.realtime, sale.realtime_port))
        yield sale
    await redis.aclose()
