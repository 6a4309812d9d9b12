"""What a payment service provider promises: the sandbox and the Stripe adapter, the latter over Stripe's protocol."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest
from aiohttp.test_utils import TestServer

from services.kit.clock import utc_now
from services.kit.database.engine import open_engine
from services.kit.ids import new_id
from services.kit.money import Money
from services.payment.domain import Intent, Payment, PspEvent, Status
from services.payment.ports import BadSignature, Psp, PspDown, PspRefused
from services.payment.psp.deliveries import Deliveries
from services.payment.psp.faults import FaultDesk, Faults
from services.payment.psp.sandbox import SandboxPsp
from services.payment.psp.signature import sign
from services.payment.psp.stripe import StripePsp
from services.payment.psp.troubled import TroubledPsp
from services.payment.settings import PaymentSettings
from tests.conftest import Stores, database_settings
from tests.twins.payment_psp import MemoryPsp
from tests.twins.payment_stripe import KEY, WEBHOOK_SECRET, StripeTwin

TIMEOUT_S = 0.5


@dataclass
class Bench:
    """A PSP and what it takes to test it."""

    psp: Psp
    # From now on answers are lost, for that card or for all.
    lose_answers: Callable[[bool], None]
    unlucky_card: str
    # Body and signature of an event about a ref, signed at that time.
    event: Callable[[str, str, float], tuple[bytes, str]]
    signs_time: bool = True


@pytest.fixture(params=["twin", "sandbox", "stripe"])
def make_bench(request: pytest.FixtureRequest) -> Callable[[], AsyncIterator[Bench]]:
    """Asked for here, outside any event loop, where stores can be started."""
    if request.param == "sandbox":
        return partial(sandbox_bench, request.getfixturevalue("stores"))
    return {"twin": memory_bench, "stripe": stripe_bench}[request.param]


@pytest.fixture
async def bench(make_bench: Callable[[], AsyncIterator[Bench]]) -> AsyncIterator[Bench]:
    async for bench in make_bench():
        yield bench
        await bench.psp.close()


async def memory_bench() -> AsyncIterator[Bench]:
    psp = MemoryPsp()

    def event(ref: str, payment_id: str, at: float) -> tuple[bytes, str]:
        body = msgspec.json.encode(PspEvent("evt_1", ref, payment_id, datetime.fromtimestamp(int(at), UTC)))
        return body, f"signed:{body.decode()}"

    def lose(lost: bool) -> None:
        psp.mute = lost

    yield Bench(psp, lose, "pm_card_visa", event, signs_time=False)


async def sandbox_bench(stores: Stores) -> AsyncIterator[Bench]:
    engine = open_engine(database_settings("payment", stores))
    deliveries = Deliveries(engine, utc_now, url="http://127.0.0.1:9/none")
    secret = await deliveries.secret()

    def event(ref: str, payment_id: str, at: float) -> tuple[bytes, str]:
        about = {"id": ref, "metadata": {"payment_id": payment_id}}
        body = msgspec.json.encode({"id": "evt_1", "created": int(at), "object": "event", "data": {"object": about}})
        return body, sign(body, secret, at=at)

    desk = FaultDesk()
    sandbox = SandboxPsp(
        engine, deliveries, utc_now, public_url="http://shop.test/", timeout_s=TIMEOUT_S, patience_s=0.05
    )

    def lose(lost: bool) -> None:
        desk.order(Faults(answered_late=float(lost)), for_s=60)

    yield Bench(TroubledPsp(sandbox, desk, timeout_s=TIMEOUT_S), lose, "pm_card_visa", event)
    await engine.dispose()


async def stripe_bench() -> AsyncIterator[Bench]:
    twin = StripeTwin()
    async with TestServer(twin.app()) as server:
        psp = StripePsp(stripe_settings(str(server.make_url("")), return_url="https://shop.test/back"))

        def lose(lost: bool) -> None:
            twin.mute = lost

        yield Bench(psp, lose, "pm_card_visa", lambda ref, _, at: twin.signed_event(ref, at=at))


def stripe_settings(api_base: str, *, return_url: str = "", key: str = KEY) -> PaymentSettings:
    return PaymentSettings(
        payment_provider="stripe",
        stripe_secret_key=key,
        stripe_webhook_secret=WEBHOOK_SECRET,
        stripe_api_base=api_base,
        stripe_return_url=return_url,
        stripe_retries=0,
        psp_timeout_s=TIMEOUT_S,
        psp_patience_s=0.05,
    )


def payment(card: str = "pm_card_visa", minor: int = 5000) -> Payment:
    at = datetime.now(UTC)
    return Payment(
        payment_id=new_id(),
        key=new_id(),
        booking_id=new_id(),
        user_id=new_id(),
        amount=Money(minor, "EUR"),
        payment_method=card,
        description="booking 1",
        provider="any",
        created_at=at,
        updated_at=at,
    )


async def charged(psp: Psp, wish: Payment) -> Intent:
    (answer,) = await psp.charge_many([wish])
    if isinstance(answer, Exception):
        raise answer
    return answer


async def test_a_charge_is_made_and_can_be_found(bench: Bench) -> None:
    wish = payment()

    made = await charged(bench.psp, wish)

    assert (made.status, made.amount, made.refunded_minor) == (Status.SUCCEEDED, Money(5000, "EUR"), 0)
    assert (made.payment_id, made.booking_id) == (wish.payment_id, wish.booking_id)
    assert await bench.psp.find(made.ref) == made
    assert await bench.psp.find_by_payment(wish.payment_id) == made
    assert await bench.psp.find("pi_unknown") is None
    assert await bench.psp.find_by_payment(new_id()) is None


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ("pm_card_visa_chargeDeclined", "card-declined"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card-declined"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient-funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired-card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect-cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing-error"),
        ("pm_unheard_of", "invalid-payment-method"),
    ],
)
async def test_a_declined_card_is_an_answer_with_a_stable_reason(bench: Bench, card: str, reason: str) -> None:
    declined = await charged(bench.psp, payment(card))

    assert (declined.status, declined.failure_reason) == (Status.FAILED, reason)


@pytest.mark.parametrize("card", ["pm_card_threeDSecure2Required", "pm_card_authenticationRequired"])
async def test_three_d_secure_sends_the_buyer_somewhere(bench: Bench, card: str) -> None:
    waiting = await charged(bench.psp, payment(card))

    assert waiting.status is Status.REQUIRES_ACTION
    assert waiting.next_action is not None
    assert waiting.next_action.type == "redirect"
    assert waiting.ref in waiting.next_action.url


async def test_without_a_card_the_buyer_pays_with_a_secret(bench: Bench) -> None:
    waiting = await charged(bench.psp, payment(""))

    assert waiting.status is Status.REQUIRES_ACTION
    assert waiting.next_action is not None
    assert (waiting.next_action.type, waiting.next_action.url) == ("payment_method", "")
    assert waiting.next_action.client_secret.startswith(waiting.ref)


async def test_many_are_answered_in_their_order(bench: Bench) -> None:
    cards = ["pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_mastercard", "pm_card_authenticationRequired"] * 5
    wishes = [payment(card) for card in cards]

    answers = await bench.psp.charge_many(wishes)

    intents = [answer for answer in answers if isinstance(answer, Intent)]
    assert [one.payment_id for one in intents] == [one.payment_id for one in wishes]
    expected = [Status.SUCCEEDED, Status.FAILED, Status.SUCCEEDED, Status.REQUIRES_ACTION] * 5
    assert [one.status for one in intents] == expected


async def test_a_key_charges_once(bench: Bench) -> None:
    wish = payment()

    first = await charged(bench.psp, wish)
    again = await charged(bench.psp, wish)

    assert again == first


async def test_a_key_charges_once_at_the_same_time(bench: Bench) -> None:
    wish = payment()

    answers = [answer for (answer,) in await asyncio.gather(*(bench.psp.charge_many([wish]) for _ in range(4)))]

    assert len({answer.ref for answer in answers if isinstance(answer, Intent)}) == 1
    assert all(isinstance(answer, Intent | PspDown) for answer in answers)


async def test_a_key_with_another_amount_is_refused(bench: Bench) -> None:
    wish = payment()
    await charged(bench.psp, wish)

    (answer,) = await bench.psp.charge_many([replace(wish, amount=Money(1, "EUR"))])

    assert isinstance(answer, PspRefused)


async def test_a_lost_answer_is_found_by_its_key(bench: Bench) -> None:
    wish = payment(bench.unlucky_card)
    bench.lose_answers(True)

    (lost,) = await bench.psp.charge_many([wish])
    bench.lose_answers(False)
    found = await charged(bench.psp, wish)

    assert isinstance(lost, PspDown)
    assert found.status is Status.SUCCEEDED


async def test_what_is_withheld_is_never_charged(bench: Bench) -> None:
    wish = payment()

    never = [(await bench.psp.withhold(wish)).status for _ in range(2)]
    (late,) = await bench.psp.charge_many([wish])

    assert never == [Status.CANCELLED, Status.CANCELLED]
    assert isinstance(late, PspRefused)


@pytest.mark.parametrize(
    ("card", "status"),
    [
        ("pm_card_visa", Status.SUCCEEDED),
        ("pm_card_visa_chargeDeclined", Status.FAILED),
        ("pm_card_authenticationRequired", Status.REQUIRES_ACTION),
    ],
)
async def test_withholding_too_late_tells_what_became_of_it(bench: Bench, card: str, status: Status) -> None:
    wish = payment(card)
    made = await charged(bench.psp, wish)

    assert await bench.psp.withhold(wish) == made
    assert made.status is status


async def test_cancelling_stops_what_waits_and_leaves_what_is_paid(bench: Bench) -> None:
    waiting = await charged(bench.psp, payment("pm_card_authenticationRequired"))
    paid = await charged(bench.psp, payment())

    assert [(await bench.psp.cancel(waiting.ref)).status for _ in range(2)] == [Status.CANCELLED] * 2
    assert (await bench.psp.cancel(paid.ref)).status is Status.SUCCEEDED


async def test_a_refund_is_made_once_for_its_key_and_never_too_large(bench: Bench) -> None:
    paid = await charged(bench.psp, payment())
    declined = await charged(bench.psp, payment("pm_card_visa_chargeDeclined"))
    first, second = new_id(), new_id()

    for _ in range(2):
        await bench.psp.refund(paid.ref, 2000, key=first)
    for ref, minor, key in ((paid.ref, 3001, new_id()), (paid.ref, 1000, first), (declined.ref, 1, new_id())):
        with pytest.raises(PspRefused):
            await bench.psp.refund(ref, minor, key=key)
    await bench.psp.refund(paid.ref, 3000, key=second)

    found = await bench.psp.find(paid.ref)
    assert found is not None
    assert found.refunded_minor == 5000


async def listed(psp: Psp, since: datetime, until: datetime, *, page: int = 2) -> list[str]:
    seen: list[str] = []
    while found := await psp.intents(since=since, until=until, limit=page, after=seen[-1] if seen else ""):
        seen += [intent.ref for intent in found]
    return seen


async def test_what_was_begun_lately_is_listed_page_by_page_newest_first(bench: Bench) -> None:
    since = utc_now()
    made = [(await charged(bench.psp, payment())).ref for _ in range(5)]

    seen = await listed(bench.psp, since, utc_now() + timedelta(seconds=2))

    assert [ref for ref in seen if ref in made] == made[::-1]
    assert len(seen) == len(set(seen))


async def test_what_was_begun_at_another_time_is_not_listed(bench: Bench) -> None:
    made = (await charged(bench.psp, payment())).ref
    now = utc_now()

    assert made not in await listed(bench.psp, now - timedelta(days=2), now - timedelta(days=1), page=100)
    assert made not in await listed(bench.psp, now + timedelta(seconds=2), now + timedelta(days=1), page=100)


async def test_a_list_tells_what_went_back(bench: Bench) -> None:
    since, made = utc_now(), await charged(bench.psp, payment())
    await bench.psp.refund(made.ref, 2000, key=new_id())

    found = await bench.psp.intents(since=since, until=utc_now() + timedelta(seconds=2), limit=100)

    (told,) = [intent for intent in found if intent.ref == made.ref]
    assert (told.refunded_minor, told.payment_id, told.amount) == (2000, made.payment_id, made.amount)


async def test_a_signed_event_tells_where_to_look(bench: Bench) -> None:
    paid = await charged(bench.psp, payment())
    at = time.time()
    body, signature = bench.event(paid.ref, paid.payment_id, at)

    event = await bench.psp.read_event(body, signature)

    assert event is not None
    assert (event.ref, event.payment_id) == (paid.ref, paid.payment_id)
    assert event.happened_at == datetime.fromtimestamp(int(at), UTC)


async def test_what_the_psp_did_not_sign_just_now_is_refused(bench: Bench) -> None:
    paid = await charged(bench.psp, payment())
    body, signature = bench.event(paid.ref, paid.payment_id, time.time())
    forged = [(body + b" ", signature), (body, ""), (body, "t=,v1="), (b"\xff", signature)]
    forged += [(body, "t=1,v1=\u00e9"), (body, "\ud800".join((signature[:20], signature[20:])))]
    if bench.signs_time:
        forged.append(bench.event(paid.ref, paid.payment_id, time.time() - 400))

    for wrong_body, wrong_signature in forged:
        with pytest.raises(BadSignature):
            await bench.psp.read_event(wrong_body, wrong_signature)


@pytest.fixture
async def twin() -> AsyncIterator[tuple[StripeTwin, StripePsp]]:
    twin = StripeTwin()
    async with TestServer(twin.app()) as server:
        psp = StripePsp(stripe_settings(str(server.make_url(""))))
        yield twin, psp
        await psp.close()


@pytest.mark.parametrize("outage", [429, 500, 503])
async def test_a_bad_day_of_stripe_means_ask_again(twin: tuple[StripeTwin, StripePsp], outage: int) -> None:
    stripe, psp = twin
    stripe.outage = outage

    (answer,) = await psp.charge_many([payment()])

    assert isinstance(answer, PspDown)
    with pytest.raises(PspDown):
        await psp.ping()
    stripe.outage = 0
    await charged(psp, payment())
    await psp.ping()


async def test_stripe_out_of_reach_means_ask_again() -> None:
    psp = StripePsp(stripe_settings("http://127.0.0.1:9"))

    (answer,) = await psp.charge_many([payment()])
    await psp.close()

    assert isinstance(answer, PspDown)


async def test_a_wrong_key_of_ours_is_a_fault_and_tells_nothing_of_it() -> None:
    async with TestServer(StripeTwin().app()) as server:
        psp = StripePsp(stripe_settings(str(server.make_url("")), key="sk_test_wrong"))
        (answer,) = await psp.charge_many([payment()])
        await psp.close()

    assert isinstance(answer, Exception)
    assert not isinstance(answer, PspDown | PspRefused)
    assert "sk_test_wrong" not in repr(answer)


async def test_without_a_return_address_the_browser_goes_on_with_the_secret(
    twin: tuple[StripeTwin, StripePsp],
) -> None:
    waiting = await charged(twin[1], payment("pm_card_authenticationRequired"))

    assert waiting.next_action is not None
    assert (waiting.next_action.type, bool(waiting.next_action.client_secret)) == ("payment_method", True)


async def test_a_repeated_charge_tells_what_is_true_now(twin: tuple[StripeTwin, StripePsp]) -> None:
    stripe, psp = twin
    wish = payment("pm_card_authenticationRequired")
    waiting = await charged(psp, wish)

    stripe.authenticate(waiting.ref, approved=True)

    assert (await charged(psp, wish)).status is Status.SUCCEEDED


async def test_a_failed_challenge_is_a_failure(twin: tuple[StripeTwin, StripePsp]) -> None:
    stripe, psp = twin
    waiting = await charged(psp, payment("pm_card_authenticationRequired"))

    stripe.authenticate(waiting.ref, approved=False)

    found = await psp.find(waiting.ref)
    assert found is not None
    assert (found.status, found.failure_reason) == (Status.FAILED, "authentication-failed")
