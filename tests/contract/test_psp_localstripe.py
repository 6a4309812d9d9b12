"""The Stripe adapter against localstripe, a Stripe server that others wrote, as far as that goes.

It knows neither idempotency keys nor redirects nor our `description` and `automatic_payment_methods`, and only one
decline; the whole contract is held over our own twin of the protocol in test_psp.py.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.payment.domain import Intent, Payment, Status
from services.payment.ports import PspRefused
from services.payment.psp.stripe import StripePsp
from tests.contract.test_psp import charged, payment, stripe_settings
from tests.ports import free_port
from tests.twins.payment_stripe import WEBHOOK_SECRET

KEY = "sk_test_12345"


class PlainStripePsp(StripePsp):
    """Asks only for what localstripe has heard of."""

    def _wish(self, payment: Payment) -> Any:
        unknown = ("automatic_payment_methods", "description")
        return {name: value for name, value in super()._wish(payment).items() if name not in unknown}


@pytest.fixture(scope="module")
def localstripe() -> Iterator[str]:
    """Its address."""
    port = free_port()
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - ours
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(10)


@pytest.fixture
async def psp(localstripe: str) -> AsyncIterator[StripePsp]:
    async with asyncio.timeout(45), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.delete(f"{localstripe}/_config/data"):
                    break
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    settings = stripe_settings(localstripe, key=KEY).model_copy(update={"psp_timeout_s": 5.0})
    psp = PlainStripePsp(settings)
    yield psp
    await psp.close()


async def test_a_charge_is_made_found_and_refunded_once(psp: StripePsp) -> None:
    wish = payment()

    made = await charged(psp, wish)
    await psp.refund(made.ref, 2000, key="r1")

    assert (made.status, made.amount, made.payment_id) == (Status.SUCCEEDED, wish.amount, wish.payment_id)
    found = await psp.find(made.ref)
    assert found is not None
    assert (found.status, found.refunded_minor) == (Status.SUCCEEDED, 2000)
    assert (await psp.cancel(made.ref)).status is Status.SUCCEEDED


async def test_a_declined_card_is_an_answer(psp: StripePsp) -> None:
    declined = await charged(psp, payment("pm_card_chargeCustomerFail"))

    assert (declined.status, declined.failure_reason) == (Status.FAILED, "card-declined")
    with pytest.raises(PspRefused):
        await psp.refund(declined.ref, 1, key="r2")


async def test_what_waits_can_be_cancelled(psp: StripePsp) -> None:
    waiting = await charged(psp, payment(""))

    assert (waiting.status, bool(waiting.next_action)) == (Status.REQUIRES_ACTION, True)
    assert [(await psp.cancel(waiting.ref)).status for _ in range(2)] == [Status.CANCELLED] * 2


async def test_its_webhooks_carry_a_signature_that_holds(psp: StripePsp, localstripe: str) -> None:
    heard: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue()

    async def hear(request: web.Request) -> web.Response:
        await heard.put((await request.read(), request.headers["Stripe-Signature"]))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", hear)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        hook = {"url": str(server.make_url("/")), "secret": WEBHOOK_SECRET, "events": ["payment_intent.succeeded"]}
        headers = {"Authorization": f"Bearer {KEY}"}
        async with session.post(f"{localstripe}/_config/webhooks/ours", json=hook, headers=headers) as answer:
            assert answer.status == 200
        made: Intent = await charged(psp, payment())
        refs: dict[str, str] = {}
        # Its webhooks come a second late: those of other tests' charges may come first.
        async with asyncio.timeout(45):
            while made.ref not in refs:
                event = await psp.read_event(*await heard.get())
                assert event is not None
                refs[event.ref] = event.payment_id

    assert refs[made.ref] == made.payment_id
