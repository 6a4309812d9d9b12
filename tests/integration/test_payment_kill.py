"""The payment process dies by kill -9 at bad moments; nothing is lost and nothing is charged twice."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import grpc
import pytest

from protos.gen import money_pb2, payment_pb2_grpc
from protos.gen import payment_pb2 as pb
from services.kit.ids import new_id
from tests.conftest import Stores
from tests.ports import free_port


class Life:
    """One life of the payment process on ports of its own."""

    def __init__(self, stores: Stores) -> None:
        self._ports = {f"{name}_PORT": str(free_port()) for name in ("GRPC", "HTTP", "METRICS")}
        given = {name.upper(): str(value) for name, value in stores.settings().items()}
        own = {"PUBLIC_URL": self.url, "PSP_TIMEOUT_S": "20", "REALTIME_SERVICE_URL": "127.0.0.1:9"}
        self._environment = {**os.environ, **given, **self._ports, **own}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._ports['HTTP_PORT']}"

    @asynccontextmanager
    async def begun(self) -> AsyncIterator[payment_pb2_grpc.PaymentServiceAsyncStub]:
        """Until the end of the block, where it is killed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.payment", env=self._environment, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{self._ports['GRPC_PORT']}") as channel:
                async with asyncio.timeout(30):
                    await channel.channel_ready()
                yield payment_pb2_grpc.PaymentServiceStub(channel)
        finally:
            process.kill()
            await process.wait()


@pytest.fixture
def life(stores: Stores) -> Life:
    return Life(stores)


def wish(card: str) -> pb.CreatePaymentRequest:
    amount = money_pb2.Money(minor=5000, currency="EUR")
    return pb.CreatePaymentRequest(
        key=new_id(), booking_id=new_id(), user_id=new_id(), amount=amount, payment_method=card
    )


async def intents(life: Life, payment_id: str) -> list[dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{life.url}/sandbox/intents", params={"limit": 1000}) as answer,
    ):
        page = await answer.json()
    assert not page["has_more"]
    return [row for row in page["data"] if row["metadata"]["payment_id"] == payment_id]


async def test_what_was_charged_when_the_process_died_is_found_by_its_key(life: Life) -> None:
    request = wish("pm_card_timeout")

    async with life.begun() as stub:
        unanswered = asyncio.ensure_future(stub.CreatePayment(request))
        async with asyncio.timeout(45):
            while True:
                try:
                    payment = (await stub.GetPayment(pb.GetPaymentRequest(key=request.key))).payment
                    if await intents(life, payment.payment_id):
                        break
                except grpc.aio.AioRpcError:
                    pass
                await asyncio.sleep(0.05)
    with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
        await unanswered

    async with life.begun() as stub:
        found = (await stub.CreatePayment(request)).payment
        said = await intents(life, found.payment_id)

    assert found.status == pb.SUCCEEDED
    assert [(row["id"], row["status"]) for row in said] == [(found.provider_ref, "succeeded")]


async def test_an_approval_survives_the_death_of_the_process_that_heard_it(life: Life) -> None:
    async with life.begun() as stub:
        waiting = (await stub.CreatePayment(wish("pm_card_threeDSecure2Required"))).payment
        async with (
            aiohttp.ClientSession() as session,
            session.post(waiting.next_action.url, json={"outcome": "approve"}) as answer,
        ):
            assert answer.status == 200

    async with life.begun() as stub, asyncio.timeout(30):
        while True:
            now = (await stub.GetPayment(pb.GetPaymentRequest(payment_id=waiting.payment_id))).payment
            if now.status == pb.SUCCEEDED:
                break
            await asyncio.sleep(0.1)
