"""The payment service as its callers meet it: real gRPC, HTTP and PostgreSQL, with the sandbox as the PSP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import grpc
import pytest
from prometheus_client import REGISTRY

from protos.gen import messages_pb2 as messages
from protos.gen import money_pb2, payment_pb2_grpc, realtime_pb2
from protos.gen import payment_pb2 as pb
from services.kit.bus.facts import Fact
from services.kit.bus.kafka import KafkaConsumer, KafkaPublisher
from services.kit.ids import new_id
from services.payment.app import compose
from services.payment.settings import PaymentSettings
from tests.conftest import Stores
from tests.ports import free_port
from tests.running import running

type Told = list[realtime_pb2.NotifyPaymentStatusRequest]


@pytest.fixture
async def realtime() -> AsyncIterator[tuple[Told, str]]:
    """A peer that remembers what buyers were told, and its address."""
    told: Told = []

    async def notify(request, context) -> realtime_pb2.NotifyPaymentStatusResponse:
        told.append(request)
        return realtime_pb2.NotifyPaymentStatusResponse(sent=True)

    method = grpc.unary_unary_rpc_method_handler(
        notify,
        request_deserializer=realtime_pb2.NotifyPaymentStatusRequest.FromString,
        response_serializer=realtime_pb2.NotifyPaymentStatusResponse.SerializeToString,
    )
    service = grpc.method_handlers_generic_handler("realtime.RealtimeService", {"NotifyPaymentStatus": method})
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield told, f"127.0.0.1:{port}"
    await server.stop(0)


@pytest.fixture
async def settings(stores: Stores, realtime: tuple[Told, str]) -> AsyncIterator[PaymentSettings]:
    port = free_port()
    more = {
        "http_port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "psp_timeout_s": 2.0,
        "realtime_service_url": realtime[1],
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


def wish(card: str = "pm_card_visa", *, key: str = "", minor: int = 5000) -> pb.CreatePaymentRequest:
    amount = money_pb2.Money(minor=minor, currency="EUR")
    return pb.CreatePaymentRequest(
        key=key or new_id(), booking_id=new_id(), user_id=new_id(), amount=amount, payment_method=card
    )


async def until[T](look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], within_s: float = 45.0) -> T:
    async with asyncio.timeout(within_s):
        while True:
            if holds(found := await look()):
                return found
            await asyncio.sleep(0.05)


async def test_a_key_charges_once_however_often_it_is_sent(stub, http) -> None:
    request = wish()

    replies = await asyncio.gather(*(stub.CreatePayment(request) for _ in range(5)))

    assert {reply.payment.status for reply in replies} == {pb.SUCCEEDED}
    assert len({reply.payment.provider_ref for reply in replies}) == 1
    assert replies[0].payment.provider == "sandbox"


async def test_a_batch_answers_each_for_itself(stub) -> None:
    key = new_id()
    requests = [
        wish(),
        wish("pm_card_visa_chargeDeclined"),
        wish("pm_card_visa_chargeDeclinedInsufficientFunds"),
        wish("pm_unheard_of"),
        wish("pm_card_threeDSecure2Required"),
        wish(""),
        wish("4242 4242 4242 4242"),
        wish(minor=-1),
        wish(key=key, minor=100),
        wish(key=key, minor=200),
        wish(key="nul\x00"),
    ]

    outcomes = (await stub.CreatePaymentsBatch(pb.CreatePaymentsBatchRequest(requests=requests))).outcomes

    assert [
        (one.payment.status, one.payment.failure_reason or one.payment.next_action.type)
        if one.HasField("payment")
        else (one.refused.kind, one.refused.reason)
        for one in outcomes
    ] == [
        (pb.SUCCEEDED, ""),
        (pb.FAILED, "card-declined"),
        (pb.FAILED, "insufficient-funds"),
        (pb.FAILED, "invalid-payment-method"),
        (pb.REQUIRES_ACTION, "redirect"),
        (pb.REQUIRES_ACTION, "payment_method"),
        ("invalid", "invalid-payment-method"),
        ("invalid", "invalid-amount"),
        (pb.SUCCEEDED, ""),
        ("conflict", "key-reused"),
        ("invalid", "invalid-argument"),
    ]


async def test_a_card_that_takes_long_does_not_hold_up_its_batch(stub) -> None:
    requests = [wish(), wish("pm_card_timeout"), wish("pm_card_delay"), wish()]
    batch = pb.CreatePaymentsBatchRequest(requests=requests)
    loop = asyncio.get_running_loop()
    began = loop.time()

    first = (await stub.CreatePaymentsBatch(batch)).outcomes
    took_s = loop.time() - began
    again = (await stub.CreatePaymentsBatch(batch)).outcomes

    assert [one.refused.kind for one in first] == ["", "later", "later", ""]
    assert took_s < 1.4
    assert [one.payment.status for one in again] == [pb.SUCCEEDED] * 4


async def test_an_answer_that_never_comes_is_unavailable_and_the_same_key_finds_it(stub, http) -> None:
    request = wish("pm_card_timeout")

    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await stub.CreatePayment(request)
    found = (await stub.CreatePayment(request)).payment

    assert unknown.value.code() is grpc.StatusCode.UNAVAILABLE
    assert found.status == pb.SUCCEEDED
    listed = [row async for row in every_intent(http)]
    assert [row["status"] for row in listed if row["metadata"]["payment_id"] == found.payment_id] == ["succeeded"]


async def every_intent(http: aiohttp.ClientSession) -> AsyncIterator[dict[str, Any]]:
    after = ""
    while True:
        async with http.get("/sandbox/intents", params={"limit": 100, "after": after}) as answer:
            page = await answer.json()
        for row in page["data"]:
            yield row
        if not page["has_more"]:
            return
        after = page["after"]


async def test_a_cancelled_key_never_charges(stub) -> None:
    key = new_id()

    for _ in range(2):
        assert not (await stub.CancelPayment(pb.CancelPaymentRequest(key=key))).HasField("payment")
    late = await stub.CreatePayment(wish(key=key))

    assert late.payment.status == pb.CANCELLED
    assert late.payment.provider_ref == ""


async def test_cancelling_undoes_whatever_happened(stub, http) -> None:
    paid, waiting, declined = wish(), wish("pm_card_authenticationRequired"), wish("pm_card_visa_chargeDeclined")
    for request in (paid, waiting, declined):
        await stub.CreatePayment(request)

    for request, expected in ((paid, pb.REFUNDED), (waiting, pb.CANCELLED), (declined, pb.FAILED)):
        for _ in range(2):
            undone = (await stub.CancelPayment(pb.CancelPaymentRequest(key=request.key))).payment
            assert undone.status == expected

    refunded = (await stub.GetPayment(pb.GetPaymentRequest(key=paid.key))).payment
    assert refunded.refunded.minor == 5000
    async with http.get(f"/sandbox/intents/{refunded.provider_ref}") as answer:
        assert (await answer.json())["amount_refunded"] == 5000


async def test_refunds_add_up_to_no_more_than_was_paid(stub) -> None:
    payment_id = (await stub.CreatePayment(wish())).payment.payment_id

    def part(key: str, minor: int) -> pb.RefundPaymentRequest:
        amount = money_pb2.Money(minor=minor, currency="EUR")
        return pb.RefundPaymentRequest(payment_id=payment_id, refund_key=key, amount=amount)

    first = (await stub.RefundPayment(part("a", 2000))).payment
    again = (await stub.RefundPayment(part("a", 2000))).payment
    with pytest.raises(grpc.aio.AioRpcError) as too_much:
        await stub.RefundPayment(part("b", 3001))
    rest = (await stub.RefundPayment(pb.RefundPaymentRequest(payment_id=payment_id, refund_key="c"))).payment

    assert (first.status, first.refunded.minor) == (pb.PARTIALLY_REFUNDED, 2000)
    assert again == first
    assert reason(too_much) == "refund-too-large"
    assert (rest.status, rest.refunded.minor) == (pb.REFUNDED, 5000)


def reason(raised: pytest.ExceptionInfo[grpc.aio.AioRpcError]) -> str:
    return str(raised.value.trailing_metadata()["reason"])


async def test_many_refunds_at_once_give_back_no_more_than_was_paid(stub, http) -> None:
    payment = (await stub.CreatePayment(wish())).payment
    amount = money_pb2.Money(minor=1500, currency="EUR")
    requests = [
        pb.RefundPaymentRequest(payment_id=payment.payment_id, refund_key=f"k{n}", amount=amount) for n in range(6)
    ]

    answers = await asyncio.gather(*map(stub.RefundPayment, requests), return_exceptions=True)

    assert sum(not isinstance(answer, Exception) for answer in answers) == 3
    async with http.get(f"/sandbox/intents/{payment.provider_ref}") as answer:
        assert (await answer.json())["amount_refunded"] == 4500


async def test_another_users_payment_is_unknown(stub) -> None:
    payment = (await stub.CreatePayment(wish())).payment

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.GetPayment(pb.GetPaymentRequest(payment_id=payment.payment_id, user_id=new_id()))

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert reason(refused) == "unknown-payment"


@pytest.mark.parametrize(
    ("outcome", "status", "why"), [("approve", pb.SUCCEEDED, ""), ("fail", pb.FAILED, "authentication-failed")]
)
async def test_the_buyer_answers_the_challenge_and_is_told(stub, http, realtime, outcome, status, why) -> None:
    waiting = (await stub.CreatePayment(wish("pm_card_threeDSecure2Required"))).payment

    async with http.get(waiting.next_action.url) as page:
        assert page.status == 200
        assert "Approve" in await page.text()
    async with http.post(waiting.next_action.url, data={"outcome": outcome}) as page:
        assert page.status == 200

    settled = await until(
        lambda: stub.GetPayment(pb.GetPaymentRequest(payment_id=waiting.payment_id)),
        lambda reply: reply.payment.status != pb.REQUIRES_ACTION,
    )
    assert (settled.payment.status, settled.payment.failure_reason) == (status, why)
    await until(lambda: asyncio.sleep(0, realtime[0]), bool)
    assert [(one.user_id, one.payment.status) for one in realtime[0]] == [(waiting.user_id, status)]


async def test_a_buyer_pays_later_with_a_card_of_their_choice(stub, http) -> None:
    waiting = (await stub.CreatePayment(wish(""))).payment
    path = f"/sandbox/intents/{waiting.provider_ref}/confirm"
    secret = waiting.next_action.client_secret

    async with http.post(path, json={"client_secret": "wrong", "payment_method": "pm_card_visa"}) as answer:
        assert answer.status == 404
    declined = {"client_secret": secret, "payment_method": "pm_card_visa_chargeDeclined"}
    async with http.post(path, json=declined) as answer:
        assert (await answer.json())["failure"] == "card-declined"
    async with http.post(path, json={"client_secret": secret, "payment_method": "pm_card_visa"}) as answer:
        assert (await answer.json())["status"] == "succeeded"

    await until(
        lambda: stub.GetPayment(pb.GetPaymentRequest(payment_id=waiting.payment_id)),
        lambda reply: reply.payment.status == pb.SUCCEEDED,
    )


async def test_a_webhook_that_the_psp_did_not_sign_is_refused(http) -> None:
    body = b'{"id": "evt_1", "data": {"object": {"id": "pi_1", "metadata": {}}}}'

    for headers in ({}, {"Stripe-Signature": "t=1,v1=00"}, {"Stripe-Signature": "t=x,v1=\u00e9"}):
        async with http.post("/webhooks/stripe", data=body, headers=headers) as answer:
            assert answer.status == 400
            assert (await answer.json())["reason"] == "bad-signature"
    async with http.post("/webhooks/stripe", data=b"x" * (256 * 1024 + 1)) as answer:
        assert answer.status == 413


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/sandbox/intents?limit=0", 400),
        ("/sandbox/intents?limit=x", 400),
        ("/sandbox/intents?status=paid", 400),
        ("/sandbox/intents?after=%00", 400),
        ("/sandbox/refunds?limit=1001", 400),
        ("/sandbox/challenge/pi_unknown", 404),
        ("/sandbox/challenge/%00", 404),
        ("/sandbox/challenge/%ff", 404),
        ("/nowhere", 404),
    ],
)
async def test_bad_input_gets_a_clear_answer(http, path: str, status: int) -> None:
    async with http.get(path) as answer:
        assert answer.status == status


async def test_the_psp_answers_late_to_order_and_the_charge_is_found_by_its_key(stub, http) -> None:
    request = wish()
    async with http.put("/sandbox/faults", json={"for_s": 60, "answered_late": 1}) as answer:
        assert (await answer.json())["answered_late"] == 1
    with pytest.raises(grpc.aio.AioRpcError) as unanswered:
        await stub.CreatePayment(request)
    async with http.delete("/sandbox/faults") as answer:
        assert (await answer.json())["left_s"] == 0

    paid = (await stub.CreatePayment(request)).payment

    assert unanswered.value.code() is grpc.StatusCode.UNAVAILABLE
    assert paid.status == pb.SUCCEEDED
    async with http.get("/sandbox/intents") as answer:
        about = [one for one in (await answer.json())["data"] if one["metadata"]["payment_id"] == paid.payment_id]
    assert len(about) == 1


async def test_webhooks_come_twice_and_late_to_order_and_change_nothing_twice(stub, http, realtime) -> None:
    waiting = (await stub.CreatePayment(wish("pm_card_threeDSecure2Required"))).payment
    repeated_before, aged_before = _repeated(), _aged()
    async with http.put("/sandbox/faults", json={"for_s": 60, "webhook_copies": 3, "webhook_delay_s": 0.5}) as answer:
        assert answer.status == 200

    async with http.post(waiting.next_action.url, json={"outcome": "approve"}) as answer:
        assert answer.status == 200

    def told() -> list[realtime_pb2.NotifyPaymentStatusRequest]:
        return [one for one in realtime[0] if one.payment.payment_id == waiting.payment_id]

    async def seen() -> tuple[int, float]:
        return len(told()), _repeated() - repeated_before

    assert await until(seen, lambda found: found[0] >= 1 and found[1] == 2) == (1, 2)
    assert _aged() - aged_before == 3


def _aged() -> float:
    return REGISTRY.get_sample_value("payment_webhook_age_seconds_count") or 0.0


def _repeated() -> float:
    return REGISTRY.get_sample_value("payment_webhooks_total", {"result": "repeated"}) or 0.0


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"for_s": 0}', '{"for_s": 5, "slow_s": 61}', '{"for_s": 5, "slwo_s": 1}']
)
async def test_a_fault_that_nobody_could_mean_is_refused(http, body: str) -> None:
    async with http.put("/sandbox/faults", data=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["reason"] == "invalid-argument"


async def test_health_says_that_no_money_moves(http) -> None:
    async with http.get("/actuator/health") as answer:
        report = await answer.json()

    assert answer.status == 200
    assert report["components"]["psp-sandbox-moves-no-money"] == {"status": "UP"}


async def test_each_change_of_status_is_a_fact(stub, settings: PaymentSettings) -> None:
    paid = (await stub.CreatePayment(wish())).payment
    declined = (await stub.CreatePayment(wish("pm_card_visa_chargeDeclined"))).payment
    await stub.CancelPayment(pb.CancelPaymentRequest(key=paid.key))
    heard: dict[str, list[Fact]] = {paid.payment_id: [], declined.payment_id: []}

    async def hear(facts) -> None:
        for fact in facts:
            heard.setdefault(fact.key, []).append(fact)

    publisher = KafkaPublisher(settings, source="test")
    consumer = KafkaConsumer(settings, topics=["payments"], group=new_id(), publisher=publisher)
    task = asyncio.create_task(consumer.run(hear))
    await until(lambda: asyncio.sleep(0, heard), lambda all_: len(all_[paid.payment_id]) >= 2, within_s=30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await publisher.close()

    assert [fact.type for fact in heard[paid.payment_id]] == ["messages.PaymentSucceeded", "messages.PaymentRefunded"]
    refunded = messages.PaymentRefunded.FromString(heard[paid.payment_id][1].body)
    assert (refunded.amount.minor, refunded.refunded.minor) == (5000, 5000)
    failed = messages.PaymentFailed.FromString(heard[declined.payment_id][0].body)
    assert failed.reason == "card-declined"
