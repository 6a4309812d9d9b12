"""However often an order is sent, it is one booking, one charge and one mail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import pytest

from services.kit.topology import topology
from services.local.platform import Platform
from services.local.readiness import wait_until_ready
from services.local.samples import Sample
from tests.integration.platform.conftest import Buyer, mails_to, result_on_socket
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
SENT = 50


def order_of(sample: Sample, seat: str) -> dict[str, Any]:
    return {"event_id": sample.event_id, "seats": [seat], "payment_method": "pm_card_visa"}


async def test_the_same_post_fifty_times_at_once_is_one_booking_one_charge_and_one_mail(
    running: Platform, buyer: Buyer, samples: Sequence[Sample]
) -> None:
    order = order_of(samples[0], "S6-1-1")

    answers = await asyncio.gather(*(send(buyer, order, "once") for _ in range(SENT)))

    assert {status for status, _ in answers} == {202}
    [booking_id] = {answer["booking"]["id"] for _, answer in answers}
    await result_on_socket(running, buyer, booking_id, status="confirmed")
    await sold_once(running, buyer, booking_id, later=order_of(samples[0], "S6-1-2"))


async def test_a_key_with_another_body_is_refused_and_orders_nothing(
    running: Platform, buyer: Buyer, samples: Sequence[Sample]
) -> None:
    _, placed = await send(buyer, order_of(samples[0], "S6-2-1"), "mine")

    answers = await asyncio.gather(*(send(buyer, order_of(samples[0], "S6-2-2"), "mine") for _ in range(SENT)))

    assert {(status, answer["reason"]) for status, answer in answers} == {(422, "idempotency-key-reused")}
    await result_on_socket(running, buyer, placed["booking"]["id"], status="confirmed")
    _, mine = await buyer.get("/api/v1/bookings")
    assert [one["id"] for one in mine["items"]] == [placed["booking"]["id"]]


async def test_a_gateway_that_is_killed_under_the_posts_changes_nothing_of_that(
    running: Platform, buyer: Buyer, samples: Sequence[Sample]
) -> None:
    order = order_of(samples[0], "S6-3-1")
    arrived = asyncio.Event()

    async def send_until_answered() -> Mapping[str, Any]:
        while True:
            try:
                status, answer = await send(buyer, order, "again")
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.1)
                continue
            if status == 202:
                arrived.set()
                return dict(answer["booking"])

    async with asyncio.timeout(60):
        sending = [asyncio.create_task(send_until_answered()) for _ in range(SENT)]
        await arrived.wait()
        running.supervisor.kill("gateway")
        bookings = await asyncio.gather(*sending)
    await wait_until_ready(topology().python_services)
    after = await send(buyer, order, "again")
    reused = await send(buyer, order_of(samples[0], "S6-3-2"), "again")

    [booking_id] = {booking["id"] for booking in bookings}
    assert (after[0], after[1]["booking"]["id"]) == (202, booking_id)
    assert (reused[0], reused[1]["reason"]) == (422, "idempotency-key-reused")
    await result_on_socket(running, buyer, booking_id, status="confirmed")
    await sold_once(running, buyer, booking_id, later=order_of(samples[0], "S6-3-3"))


async def send(buyer: Buyer, order: object, key: str) -> tuple[int, Any]:
    return await buyer.post("/api/v1/bookings", order, **{"Idempotency-Key": key})


async def sold_once(running: Platform, buyer: Buyer, booking_id: str, *, later: Mapping[str, Any]) -> None:
    """One booking, one charge, one mail; a later purchase is through by then, so a second one would be there too."""
    next_id = await buyer.book(later["event_id"], seats=later["seats"])
    await result_on_socket(running, buyer, next_id, status="confirmed")
    await until(lambda: mailed(running, buyer, next_id), within_s=60)
    await until(lambda: mailed(running, buyer, booking_id), within_s=60)
    _, mine = await buyer.get("/api/v1/bookings")

    assert [one["id"] for one in mine["items"]] == [next_id, booking_id]
    assert await mailed(running, buyer, booking_id) == 1
    charges = [one for one in await charged(running, buyer) if one["metadata"]["booking_id"] == booking_id]
    assert [one["status"] for one in charges] == ["succeeded"]
    assert charges[0]["amount_refunded"] == 0


async def mailed(running: Platform, buyer: Buyer, booking_id: str) -> int:
    """How often a mail about it came to the mailbox, which shows a mail once however often that was."""
    ours = [mail for mail in await mails_to(running, buyer) if mail["headers"].get("X-Booking-Id") == booking_id]
    return sum(mail["deliveries"] for mail in ours)


async def charged(running: Platform, buyer: Buyer) -> list[Mapping[str, Any]]:
    """All that the PSP ever charged."""
    found: list[Mapping[str, Any]] = []
    after = ""
    while True:
        page = f"{running.url('payment')}/sandbox/intents"
        async with buyer.session.get(page, params={"limit": "500", "after": after}) as response:
            answer = await response.json()
        found += answer["data"]
        if not answer["has_more"]:
            return found
        after = answer["after"]
