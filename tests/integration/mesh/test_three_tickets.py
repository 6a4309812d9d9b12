"""Three real ticket servers: one is frozen and then killed with calls in its hands, and no booking is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

import aiohttp
import grpc

from protos.gen import booking_pb2 as pb
from protos.gen import booking_pb2_grpc
from services.booking.app import compose as compose_booking
from services.booking.settings import BookingSettings
from services.kit.ids import new_id
from services.payment.app import compose as compose_payment
from services.payment.settings import PaymentSettings
from tests.conftest import Stores
from tests.ports import free_port
from tests.running import running
from tests.twins.dns import serving_names
from tests.twins.ticket_events import hall
from tests.twins.ticket_shop import Shop, shop_over
from tests.waiting import until

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
SEATS, BUYERS = 100, 150


@asynccontextmanager
async def ticket_server(stores: Stores, host: str, *, grpc_port: int, metrics_port: int) -> AsyncIterator[Process]:
    """A process of its own, ready; killed at the end."""
    told = stores.settings() | {"bind_host": host, "grpc_port": grpc_port, "metrics_port": metrics_port}
    environment = os.environ | {name.upper(): str(value) for name, value in told.items()} | {"INSTANCE_ID": host}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.ticket"), env=environment, stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        await until(partial(is_ready, host, metrics_port), within_s=30)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def is_ready(host: str, metrics_port: int) -> bool:
    with suppress(aiohttp.ClientError):
        async with aiohttp.ClientSession() as http, http.get(f"http://{host}:{metrics_port}/health") as answer:
            return answer.status == 200
    return False


async def test_a_ticket_server_killed_with_calls_in_its_hands_loses_no_booking(stores: Stores) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        grpc_port, metrics_port = free_port(), free_port()
        servers = [ticket_server(stores, host, grpc_port=grpc_port, metrics_port=metrics_port) for host in HOSTS]
        _, doomed, _ = [await enter(server) for server in servers]
        _, dns = await enter(serving_names(*HOSTS))
        payment = await enter(running(PaymentSettings, compose_payment, stores))
        urls = {
            "ticket_service_url": f"{dns}ticket:{grpc_port}",
            "payment_service_url": f"127.0.0.1:{payment.grpc_port}",
        }
        booking = await enter(running(BookingSettings, compose_booking, stores, instance_id=new_id(), **urls))
        channel = await enter(grpc.aio.insecure_channel(f"127.0.0.1:{booking.grpc_port}"))
        stub = booking_pb2_grpc.BookingServiceStub(channel)
        shop: Shop = await enter(shop_over(stores))
        layout = await shop.open(hall(rows={"1": SEATS}))

        async def buy(buyer: int) -> pb.Booking:
            request = pb.CreateBookingRequest(
                booking_id=new_id(),
                user_id=new_id(),
                event_id=layout.event.event_id,
                seat_ids=[f"A-1-{buyer % SEATS + 1}"],
                payment_method="pm_card_visa",
            )
            return await decided(stub, request)

        first = [asyncio.create_task(buy(buyer)) for buyer in range(20)]
        await asyncio.gather(*first)
        doomed.send_signal(signal.SIGSTOP)
        rest = [asyncio.create_task(buy(buyer)) for buyer in range(20, BUYERS)]
        # What the frozen one was given waits for it; what the others were given goes on.
        await until(lambda: any(task.done() for task in rest), within_s=30)
        doomed.kill()
        bookings = await asyncio.gather(*first, *rest)

        ends = Counter((pb.BookingStatus.Name(one.status), one.reason) for one in bookings)
        assert ends == {("CONFIRMED", ""): SEATS, ("REJECTED", "seat-taken"): BUYERS - SEATS}
        assert set((await shop.states(layout)).values()) == {"s"}
        assert await shop.contradictions(layout) == []


async def decided(stub: booking_pb2_grpc.BookingServiceAsyncStub, request: pb.CreateBookingRequest) -> pb.Booking:
    """Sent again by its id until it is, as the worker does it."""
    found: list[pb.Booking] = []

    async def asked() -> bool:
        with suppress(grpc.aio.AioRpcError):
            found.append((await stub.CreateBooking(request, timeout=20)).booking)
        return bool(found)

    await until(asked, within_s=60)
    return found[0]
