"""Composition root of realtime."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

from aiohttp import web

from protos.gen import realtime_pb2_grpc
from services.kit.bus.kafka import KafkaConsumer, KafkaPublisher
from services.kit.bus.ping import ping as ping_kafka
from services.kit.clock import utc_now
from services.kit.errors import NotNow
from services.kit.health import Check
from services.kit.process import App
from services.kit.redis import open_redis
from services.kit.redis import ping as ping_redis
from services.kit.tokens import TokenVerifier
from services.realtime.consumer import FactsConsumer
from services.realtime.handlers import RealtimeHandlers
from services.realtime.hub import Hub
from services.realtime.reception import Reception
from services.realtime.repository import RedisExchange
from services.realtime.servicer import RealtimeServicer
from services.realtime.settings import RealtimeSettings
from services.realtime.sockets import Sockets
from services.realtime.subscription import Subscription

REPORT_S: Final = 5.0


@asynccontextmanager
async def compose(settings: RealtimeSettings) -> AsyncIterator[App]:
    """Everything the realtime process serves and does."""
    redis = open_redis(settings, name="realtime")
    publisher = KafkaPublisher(settings, source="realtime")
    exchange, hub = RedisExchange(redis), Hub(room_sends_per_s=settings.room_sends_per_s)
    handlers = RealtimeHandlers(exchange, hub, instance_id=settings.instance_id)
    reception = Reception(hub, exchange)
    sockets = Sockets(settings, hub, reception, TokenVerifier(exchange.jwks), random.random)
    facts = KafkaConsumer(settings, topics=["seats", "bookings"], group="realtime", publisher=publisher)
    pages = web.Application()
    pages.router.add_get("/ws", sockets.open)
    pages.on_shutdown.append(sockets.shutdown)
    servicer = RealtimeServicer(handlers)
    try:
        yield App(
            rpc={
                "realtime.RealtimeService": partial(realtime_pb2_grpc.add_RealtimeServiceServicer_to_server, servicer)
            },
            http=pages,
            jobs={
                "channels": Subscription(redis, hub, reception).run(),
                "facts": facts.run(FactsConsumer(handlers, utc_now).handle),
                "report": _report(handlers),
            },
            checks={
                "redis": Check(partial(ping_redis, redis)),
                # Results come by RPC as well: without the bus, only live seats and what was forgotten are late.
                "kafka": Check(partial(ping_kafka, settings), required=False),
            },
            on_drain=sockets.drain,
        )
    finally:
        await publisher.close()
        await redis.aclose()


async def _report(handlers: RealtimeHandlers) -> None:
    while True:
        # The next report says it; readiness tells of the store.
        with suppress(NotNow):
            await handlers.report()
        await asyncio.sleep(REPORT_S)
