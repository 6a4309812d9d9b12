"""A purchase as its buyer meets it: the public API, a socket, a mailbox, and what the PSP says afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest

from services.local.environment import ORGANISER_EMAIL
from services.local.platform import Platform
from services.local.samples import Sample
from tests.integration.platform.conftest import Buyer, mails_to, new_buyer, result_on_socket, signed_in
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def status_of(buyer: Buyer, booking_id: str) -> str:
    return str((await buyer.get(f"/api/v1/bookings/{booking_id}"))[1]["status"])


async def test_a_seat_is_bought_told_on_the_socket_and_mailed(
    running: Platform, buyer: Buyer, samples: Sequence[Sample]
) -> None:
    booking_id = await buyer.book(samples[0].event_id, seats=["S1-1-1", "S1-1-2"])

    result = await result_on_socket(running, buyer, booking_id, status="confirmed")
    _, booking = await buyer.get(f"/api/v1/bookings/{booking_id}")

    assert len(result["tickets"]) == 2
    assert booking["total"] == {"amount": 25800, "currency": "EUR"}
    await until(lambda: mails_to(running, buyer))
    assert len(await mails_to(running, buyer)) == 1


async def test_who_has_tickets_is_on_the_organisers_list_until_he_cancels(
    running: Platform, buyer: Buyer, web: aiohttp.ClientSession, samples: Sequence[Sample]
) -> None:
    booking_id = await buyer.book(samples[1].event_id, areas=[{"section_id": "FLOOR", "quantity": 2}])
    await result_on_socket(running, buyer, booking_id, status="confirmed")
    organiser = await signed_in(running, web, ORGANISER_EMAIL, running.secrets.organiser_password)
    path = f"/api/v1/events/{samples[1].event_id}/attendees?limit=100"

    async def mine() -> list[Any]:
        _, page = await organiser.get(path)
        return [one for one in page["items"] if one["booking_id"] == booking_id]

    # Whoever looks at his profile has one.
    _, me = await buyer.get("/api/v1/users/me")
    [listed] = await mine()
    assert (listed["name"], len(listed["tickets"])) == (me["name"], 2)
    assert (await buyer.get(path))[0] == 404

    await buyer.post(f"/api/v1/bookings/{booking_id}/cancel")

    async def is_gone() -> bool:
        return not await mine()

    await until(is_gone, every_s=0.3)


async def test_a_seat_that_is_gone_is_refused_with_a_reason(
    running: Platform, buyer: Buyer, web: aiohttp.ClientSession, samples: Sequence[Sample]
) -> None:
    first = await buyer.book(samples[0].event_id, seats=["S2-1-1"])
    await result_on_socket(running, buyer, first, status="confirmed")
    rival = await new_buyer(running, web)

    second = await rival.book(samples[0].event_id, seats=["S2-1-1"])

    assert (await result_on_socket(running, rival, second, status="rejected"))["reason"] == "seat-taken"


async def test_a_declined_card_buys_nothing(running: Platform, buyer: Buyer, samples: Sequence[Sample]) -> None:
    booking_id = await buyer.book(samples[0].event_id, seats=["S3-1-1"], method="pm_card_visa_chargeDeclined")

    result = await result_on_socket(running, buyer, booking_id, status="rejected")
    _, snapshot = await buyer.get(f"/api/v1/events/{samples[0].event_id}/seats?section=S3")

    assert result["reason"] == "card-declined"
    assert snapshot["sections"][0]["held"] == 0


async def test_a_card_that_asks_its_buyer_is_confirmed_when_he_approves(
    running: Platform, buyer: Buyer, samples: Sequence[Sample]
) -> None:
    method = "pm_card_threeDSecure2Required"
    booking_id = await buyer.book(samples[0].event_id, seats=["S4-1-1"], method=method)
    waiting = await result_on_socket(running, buyer, booking_id, status="awaiting_payment")
    url = waiting["next_action"]["url"]

    async with buyer.session.get(url) as page:
        assert page.status == 200
    async with buyer.session.post(url, data={"outcome": "approve"}) as answer:
        assert answer.status < 400

    await result_on_socket(running, buyer, booking_id, status="confirmed")


async def test_whom_the_bank_does_not_recognise_pays_with_another_card(
    running: Platform, buyer: Buyer, samples: Sequence[Sample]
) -> None:
    method = "pm_card_threeDSecure2Required"
    booking_id = await buyer.book(samples[0].event_id, seats=["S4-2-1"], method=method)
    waiting = await result_on_socket(running, buyer, booking_id, status="awaiting_payment")
    async with buyer.session.post(waiting["next_action"]["url"], data={"outcome": "fail"}) as answer:
        assert answer.status < 400
    await until(lambda: _may_pay_again(buyer, booking_id))

    path = f"/api/v1/bookings/{booking_id}/payment"
    declined = await buyer.post(path, {"payment_method": "pm_card_visa_chargeDeclined"})
    paid = await buyer.post(path, {"payment_method": "pm_card_visa"})

    assert (declined[0], declined[1]["reason"]) == (200, "card-declined")
    assert (paid[0], paid[1]["status"]) == (200, "confirmed")
    await result_on_socket(running, buyer, booking_id, status="confirmed")
    _, payment = await buyer.get(f"/api/v1/payments/{paid[1]['payment_id']}")
    assert payment["status"] == "succeeded"


async def _may_pay_again(buyer: Buyer, booking_id: str) -> bool:
    _, booking = await buyer.get(f"/api/v1/bookings/{booking_id}")
    return (booking["next_action"] or {}).get("type") == "pay_again" and booking["reason"] == "authentication-failed"


async def test_cancelling_gives_the_money_back(running: Platform, buyer: Buyer, samples: Sequence[Sample]) -> None:
    booking_id = await buyer.book(samples[0].event_id, seats=["S5-1-1"])
    await result_on_socket(running, buyer, booking_id, status="confirmed")

    status, _ = await buyer.post(f"/api/v1/bookings/{booking_id}/cancel")

    assert status in {200, 202}
    await until(lambda: _is(buyer, booking_id, "cancelled"))
    _, booking = await buyer.get(f"/api/v1/bookings/{booking_id}")
    _, payment = await buyer.get(f"/api/v1/payments/{booking['payment_id']}")
    assert payment["status"] == "refunded"


async def _is(buyer: Buyer, booking_id: str, status: str) -> bool:
    return await status_of(buyer, booking_id) == status


async def test_a_booking_of_somebody_else_does_not_exist(
    running: Platform, buyer: Buyer, web: aiohttp.ClientSession, samples: Sequence[Sample]
) -> None:
    booking_id = await buyer.book(samples[0].event_id, seats=["S7-1-1"])
    stranger = await new_buyer(running, web)

    status, problem = await stranger.get(f"/api/v1/bookings/{booking_id}")

    assert (status, problem["reason"]) == (404, "unknown-booking")
