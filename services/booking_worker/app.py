"""Composition root of booking-worker."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from protos.gen import booking_pb2_grpc, realtime_pb2_grpc
from services.booking_worker.clients import BookingClient, OrderStream, RealtimeClient
from services.booking_worker.handlers import WorkerHandlers
from services.booking_worker.leases import Leases
from services.booking_worker.lines import Lines
from services.booking_worker.repository import BLOCK_MS, RedisQueue
from services.booking_worker.settings import BookingWorkerSettings
from services.booking_worker.telling import Teller
from services.booking_worker.worker import Worker
from services.kit.health import Check
from services.kit.ids import new_id
from services.kit.process import App
from services.kit.redis import CALL_TIMEOUT_S, open_redis, ping
from services.kit.rpc.client import Peer


@asynccontextmanager
async def compose(settings: BookingWorkerSettings) -> AsyncIterator[App]:
    """Everything the booking-worker process does."""
    redis = open_redis(settings, name="booking-worker")
    blocking = open_redis(settings, name="booking-worker-reads", call_timeout_s=CALL_TIMEOUT_S + BLOCK_MS / 1000)
    booking = Peer(
        "booking",
        settings.booking_service_url,
        booking_pb2_grpc.BookingServiceStub,
        service="booking.BookingService",
        idempotent=["GetBooking", "CancelBooking"],
        security=settings.security,
    )
    realtime = Peer(
        "realtime",
        settings.realtime_service_url,
        realtime_pb2_grpc.RealtimeServiceStub,
        service="realtime.RealtimeService",
        security=settings.security,
    )
    queue = RedisQueue(redis, blocking, instance=settings.instance_id, life=new_id(), lease_s=settings.lease_s)
    lines = Lines(per_event=settings.max_in_flight_per_event, overall=settings.max_in_flight)
    buyers = RealtimeClient(realtime)
    teller = Teller(buyers)
    handlers = WorkerHandlers(
        queue, lines, BookingClient(booking), teller, max_tries=settings.max_tries, linger_s=settings.linger_s
    )
    orders = handlers.orders = OrderStream(booking, handlers.outcomes_came)
    leases = Leases(
        queue,
        lines,
        handlers,
        orders,
        lease_s=settings.lease_s,
        at_most=settings.max_leases,
        shuffle=random.shuffle,
    )
    worker = Worker(queue, lines, handlers, leases, buyers, teller, orders_run=orders.run(), linger_s=settings.linger_s)
    try:
        async with booking, realtime, worker.working(grace_s=settings.grace_s):
            yield App(
                jobs={"worker": worker.watch()},
                checks={
                    "redis": Check(partial(ping, redis)),
                    # The line waits in Redis while booking is away.
                    "booking": Check(orders.check, required=False),
                },
                on_drain=worker.stop_reading,
            )
    finally:
        await blocking.aclose()
        await redis.aclose()
