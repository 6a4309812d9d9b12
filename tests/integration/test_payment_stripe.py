"""The payment service with PAYMENT_PROVIDER=stripe, over Stripe's protocol, webhooks included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import grpc
import pytest
from aiohttp.test_utils import TestServer

from protos.gen import money_pb2, payment_pb2_grpc
from protos.gen import payment_pb2 as pb
from services.kit.ids import new_id
from services.payment.app import compose
from services.payment.settings import PaymentSettings
from tests.conftest import Stores
from tests.running import running
from tests.twins.payment_stripe import KEY, WEBHOOK_SECRET, StripeTwin


@pytest.fixture
async def stripe() -> AsyncIterator[tuple[StripeTwin, str]]:
    twin = StripeTwin()
    async with TestServer(twin.app()) as server:
        yield twin, str(server.make_url(""))


@pytest.fixture
async def settings(stores: Stores, stripe: tuple[StripeTwin, str]) -> AsyncIterator[PaymentSettings]:
    more = {
        "payment_provider": "stripe",
        "stripe_secret_key": KEY,
        "stripe_webhook_secret": WEBHOOK_SECRET,
        "stripe_api_base": stripe[1],
        "stripe_return_url": "https://shop.test/back",
        "realtime_service_url": "127.0.0.1:9",
    }
    async with running(PaymentSettings, compose, stores, **more) as settings:
        yield settings


@pytest.fixture
async def stub(settings: PaymentSettings) -> AsyncIterator[payment_pb2_grpc.PaymentServiceAsyncStub]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{settings.grpc_port}") as channel:
        yield payment_pb2_grpc.PaymentServiceStub(channel)


@pytest.fixture
async def http(settings: PaymentSettings) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=f"http://127.0.0.1:{settings.http_port}") as session:
        yield session


def wish(card: str) -> pb.CreatePaymentRequest:
    amount = money_pb2.Money(minor=5000, currency="EUR")
    return pb.CreatePaymentRequest(
        key=new_id(), booking_id=new_id(), user_id=new_id(), amount=amount, payment_method=card
    )


async def test_a_batch_is_charged_and_each_can_be_undone(stub, stripe: tuple[StripeTwin, str]) -> None:
    cards = ["pm_card_visa", "pm_card_visa_chargeDeclined", "pm_unheard_of", "pm_card_authenticationRequired"]
    requests = [wish(card) for card in cards]

    outcomes = (await stub.CreatePaymentsBatch(pb.CreatePaymentsBatchRequest(requests=requests))).outcomes
    undone = [(await stub.CancelPayment(pb.CancelPaymentRequest(key=one.key))).payment.status for one in requests]

    assert [one.payment.status for one in outcomes] == [pb.SUCCEEDED, pb.FAILED, pb.FAILED, pb.REQUIRES_ACTION]
    assert undone == [pb.REFUNDED, pb.FAILED, pb.FAILED, pb.CANCELLED]
    assert [refund["amount"] for refund in stripe[0].refunds.values()] == [5000]


async def test_a_real_psp_misbehaves_without_our_help(http) -> None:
    async with http.put("/sandbox/faults", json={"for_s": 1}) as answer:
        assert answer.status == 404


async def test_a_signed_webhook_settles_what_waited(stub, http, stripe: tuple[StripeTwin, str]) -> None:
    waiting = (await stub.CreatePayment(wish("pm_card_threeDSecure2Required"))).payment
    stripe[0].authenticate(waiting.provider_ref, approved=True)
    body, signature = stripe[0].signed_event(waiting.provider_ref)

    for expected, header in ((400, signature + "0"), (400, ""), (200, signature), (200, signature)):
        broken = header.replace("v1=", "v1=0") if expected == 400 else header
        async with http.post("/webhooks/stripe", data=body, headers={"Stripe-Signature": broken}) as answer:
            assert answer.status == expected

    async with asyncio.timeout(45):
        while True:
            now = (await stub.GetPayment(pb.GetPaymentRequest(payment_id=waiting.payment_id))).payment
            if now.status == pb.SUCCEEDED:
                break
            await asyncio.sleep(0.05)
    assert now.provider == "stripe"


async def test_while_stripe_is_away_nobody_knows_and_the_same_key_goes_on(
    stub, http, stripe: tuple[StripeTwin, str]
) -> None:
    request = wish("pm_card_visa")
    stripe[0].outage = 503
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await stub.CreatePayment(request)
    stripe[0].outage = 0

    assert unknown.value.code() is grpc.StatusCode.UNAVAILABLE
    assert (await stub.GetPayment(pb.GetPaymentRequest(key=request.key))).payment.status == pb.PROCESSING
    assert (await stub.CreatePayment(request)).payment.status == pb.SUCCEEDED


async def test_with_stripe_there_is_no_sandbox(http) -> None:
    for path in ("/sandbox/intents", "/sandbox/challenge/pi_1"):
        async with http.get(path) as answer:
            assert answer.status == 404
    async with http.get("/actuator/health") as answer:
        assert (await answer.json())["components"]["stripe"] == {"status": "UP"}
