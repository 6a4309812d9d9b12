"""Seats and money through the real booking, ticket and payment: gRPC, PostgreSQL, Kafka, webhooks, the sandbox."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from protos.gen import booking_pb2 as pb
from protos.gen import booking_pb2_grpc
from services.booking.app import compose as compose_booking
from services.booking.settings import BookingSettings
from services.kit.clock import utc_now
from services.kit.database.engine import open_engine, transaction
from services.kit.ids import new_id
from services.payment.app import compose as compose_payment
from services.payment.psp.deliveries import Deliveries
from services.payment.psp.intents import SandboxIntents
from services.payment.settings import PaymentSettings
from services.ticket.app import compose as compose_ticket
from services.ticket.settings import TicketSettings
from tests.conftest import Stores, database_settings
from tests.ports import free_port
from tests.running import running
from tests.twins.ticket_events import hall
from tests.twins.ticket_shop import Shop, shop_over
from tests.waiting import until

THREE_D_SECURE, DECLINED = "pm_card_threeDSecure2Required", "pm_card_visa_chargeDeclined"
WINDOW_S = 3


@dataclass
class Sale:
    """An event on sale, and the three services that sell it."""

    stub: booking_pb2_grpc.BookingServiceAsyncStub
    web: aiohttp.ClientSession
    shop: Shop
    payments: AsyncEngine
    bookings: AsyncEngine
    psp_url: str
    booking_address: str
    # For another process of booking.
    booking_settings: dict[str, Any]
    user_id: str = field(default_factory=new_id)
    layout: Any = None

    async def order(self, *seats: int, card: str = "pm_card_visa") -> pb.Booking:
        request = pb.CreateBookingRequest(
            booking_id=new_id(),
            user_id=self.user_id,
            event_id=self.layout.event.event_id,
            seat_ids=[f"A-1-{seat}" for seat in seats],
            payment_method=card,
        )
        return (await self.stub.CreateBooking(request, timeout=20)).booking

    async def pay(self, booking: pb.Booking, card: str) -> pb.Booking:
        request = pb.PayBookingRequest(booking_id=booking.booking_id, user_id=self.user_id, payment_method=card)
        return (await self.stub.PayBooking(request, timeout=20)).booking

    async def look(self, booking: pb.Booking) -> pb.Booking:
        return (await self.stub.GetBooking(pb.GetBookingRequest(booking_id=booking.booking_id))).booking

    async def ends(self, booking: pb.Booking, *statuses: pb.BookingStatus.ValueType) -> pb.Booking:
        await until(self._is(booking, statuses), within_s=30)
        return await self.look(booking)

    def _is(
        self, booking: pb.Booking, statuses: tuple[pb.BookingStatus.ValueType, ...]
    ) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return (await self.look(booking)).status in statuses

        return look

    async def waits_for_another_card(self, booking: pb.Booking) -> pb.Booking:
        async def asked() -> bool:
            return (await self.look(booking)).next_action.type == "pay_again"

        await until(asked)
        return await self.look(booking)

    async def answer_bank(self, booking: pb.Booking, outcome: str) -> None:
        async with self.web.post(booking.next_action.url, data={"outcome": outcome}) as page:
            assert page.ok

    async def charges(self, booking: pb.Booking) -> list[dict[str, Any]]:
        """What the PSP says of this booking, oldest first."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            async with self.web.get(f"{self.psp_url}/sandbox/intents", params={"limit": 1000, "after": after}) as page:
                said = await page.json()
            found += [one for one in said["data"] if one["metadata"]["booking_id"] == booking.booking_id]
            if not said["has_more"]:
                return found
            after = said["after"]

    async def kept(self, booking: pb.Booking) -> list[int]:
        charges = [one for one in await self.charges(booking) if one["status"] == "succeeded"]
        return [left for one in charges if (left := one["amount"] - one["amount_refunded"])]

    async def captured_after_all(self, ref: str) -> None:
        """The PSP took the money of a charge that it had cancelled, and says so by webhook."""
        deliveries = Deliveries(self.payments, utc_now, url="")
        async with transaction(self.payments) as tx:
            await tx.execute(
                text("UPDATE sandbox_intents SET status = 'succeeded' WHERE intent_id = :ref"), {"ref": ref}
            )
            intent = await SandboxIntents(tx).find(ref)
            assert intent is not None
            await deliveries.add(tx, intent)

    async def lease_ends(self) -> bool:
        """True once whoever works on a charge of this event has lost its lease, without knowing."""
        ended = text("""
            UPDATE bookings SET leased_until = now() - interval '1 second'
            WHERE event_id = :id AND status = 'PENDING' AND step = 1
        """)
        async with transaction(self.bookings) as tx:
            return bool((await tx.execute(ended, {"id": self.layout.event.event_id})).rowcount)

    async def states(self) -> str:
        return "".join((await self.shop.states(self.layout)).values())


@asynccontextmanager
async def sale_over(stores: Stores) -> AsyncIterator[Sale]:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        http = free_port()
        ticket = await enter(running(TicketSettings, compose_ticket, stores))
        public_url = f"http://127.0.0.1:{http}"
        payment = await enter(
            running(PaymentSettings, compose_payment, stores, http_port=http, public_url=public_url, psp_timeout_s=1.0)
        )
        peers = {"ticket": ticket, "payment": payment}
        settings: dict[str, Any] = {f"{name}_service_url": f"127.0.0.1:{one.grpc_port}" for name, one in peers.items()}
        settings |= {"payment_window_s": WINDOW_S, "instance_id": new_id()}
        booking = await enter(running(BookingSettings, compose_booking, stores, **settings))
        address = f"127.0.0.1:{booking.grpc_port}"
        channel = await enter(grpc.aio.insecure_channel(address))
        payments, bookings = (open_engine(database_settings(name, stores)) for name in ("payment", "booking"))
        for engine in (payments, bookings):
            stack.push_async_callback(engine.dispose)
        shop = await enter(shop_over(stores))
        web = await enter(aiohttp.ClientSession())
        sale = Sale(
            booking_pb2_grpc.BookingServiceStub(channel), web, shop, payments, bookings, public_url, address, settings
        )
        sale.layout = await shop.open(hall(rows={"1": 4}))
        yield sale


@pytest.fixture
async def sale(stores: Stores) -> AsyncIterator[Sale]:
    async with sale_over(stores) as sale:
        yield sale


async def test_a_buyer_whose_bank_says_no_pays_with_another_card(sale: Sale) -> None:
    waiting = await sale.order(1, card=THREE_D_SECURE)
    await sale.answer_bank(waiting, "fail")
    failed = await sale.waits_for_another_card(waiting)

    declined = await sale.pay(waiting, DECLINED)
    paid = await sale.pay(waiting, "pm_card_visa")
    again = await sale.pay(waiting, "pm_card_visa")

    assert (failed.status, failed.reason) == (pb.AWAITING_PAYMENT, "authentication-failed")
    assert (declined.status, declined.reason, declined.attempt) == (pb.AWAITING_PAYMENT, "card-declined", 2)
    assert (paid.status, paid.attempt) == (again.status, again.attempt) == (pb.CONFIRMED, 3)
    assert await sale.kept(waiting) == [5000]
    assert len(await sale.charges(waiting)) == 3
    assert await sale.states() == "sfff"


async def test_a_buyer_who_chooses_the_card_later_pays_and_may_be_asked_by_the_bank(sale: Sale) -> None:
    waiting = await sale.order(1, card="")

    asked = await sale.pay(waiting, THREE_D_SECURE)
    await sale.answer_bank(asked, "approve")

    assert (asked.status, asked.next_action.type, asked.attempt) == (pb.AWAITING_PAYMENT, "redirect", 2)
    await sale.ends(waiting, pb.CONFIRMED)
    assert await sale.kept(waiting) == [5000]


async def test_a_charge_that_the_psp_cancels_may_be_made_with_another_card(sale: Sale) -> None:
    waiting = await sale.order(1, card=THREE_D_SECURE)
    (charge,) = await sale.charges(waiting)
    deliveries = Deliveries(sale.payments, utc_now, url="")
    async with transaction(sale.payments) as tx:
        cancelled = text("UPDATE sandbox_intents SET status = 'canceled' WHERE intent_id = :ref")
        await tx.execute(cancelled, {"ref": charge["id"]})
        intent = await SandboxIntents(tx).find(charge["id"])
        assert intent is not None
        await deliveries.add(tx, intent)

    failed = await sale.waits_for_another_card(waiting)
    paid = await sale.pay(waiting, "pm_card_visa")

    assert failed.reason == "payment-cancelled"
    assert paid.status == pb.CONFIRMED


async def test_who_does_not_pay_in_time_gives_the_seats_back_and_can_not_pay_any_more(sale: Sale) -> None:
    waiting = await sale.order(1, card=THREE_D_SECURE)

    ended = await sale.ends(waiting, pb.REJECTED)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await sale.pay(waiting, "pm_card_visa")

    assert ended.reason == "payment-expired"
    assert refused.value.trailing_metadata()["reason"] == "booking-not-payable"
    assert [one["status"] for one in await sale.charges(waiting)] == ["canceled"]
    assert await sale.states() == "ffff"


async def test_money_that_comes_late_gets_its_seats_when_they_are_free(sale: Sale) -> None:
    waiting = await sale.order(1, 2, card=THREE_D_SECURE)
    await sale.ends(waiting, pb.REJECTED)
    (charge,) = await sale.charges(waiting)

    await sale.captured_after_all(charge["id"])

    confirmed = await sale.ends(waiting, pb.CONFIRMED)
    assert [ticket.place.seat_id for ticket in confirmed.tickets] == ["A-1-1", "A-1-2"]
    assert await sale.kept(waiting) == [10_000]
    assert await sale.states() == "ssff"


async def test_money_that_comes_late_goes_back_when_its_seats_are_sold(sale: Sale) -> None:
    waiting = await sale.order(1, 2, card=THREE_D_SECURE)
    await sale.ends(waiting, pb.REJECTED)
    assert (await sale.order(2)).status == pb.CONFIRMED
    (charge,) = await sale.charges(waiting)

    await sale.captured_after_all(charge["id"])

    cancelled = await sale.ends(waiting, pb.CANCELLED)
    assert cancelled.reason == "paid-too-late"
    assert await sale.kept(waiting) == []
    assert await sale.states() == "fsff"


async def test_of_two_captures_for_one_booking_the_second_goes_back(sale: Sale) -> None:
    waiting = await sale.order(1, card=THREE_D_SECURE)
    (first,) = await sale.charges(waiting)
    assert (await sale.pay(waiting, "pm_card_visa")).status == pb.CONFIRMED

    await sale.captured_after_all(first["id"])

    async def returned() -> bool:
        return await sale.kept(waiting) == [5000]

    await until(returned)
    refunded = {one["id"]: one["amount_refunded"] for one in await sale.charges(waiting)}
    assert refunded[first["id"]] == 5000
    assert (await sale.look(waiting)).status == pb.CONFIRMED


async def test_two_processes_that_work_one_saga_charge_once_and_sell_once(sale: Sale, stores: Stores) -> None:
    other = sale.booking_settings | {"instance_id": new_id()}
    ordering = asyncio.create_task(sale.order(1, card="pm_card_delay"))

    async with running(BookingSettings, compose_booking, stores, **other):
        # The first one is about to be answered by the PSP; the second one believes it dead.
        await until(sale.lease_ends)
        (told,) = await asyncio.gather(ordering, return_exceptions=True)
        (booking,) = (await sale.stub.GetUserBookings(pb.GetUserBookingsRequest(user_id=sale.user_id))).bookings
        await sale.ends(booking, pb.CONFIRMED)

    # The first one is told the truth, or that somebody else is at it.
    if isinstance(told, grpc.aio.AioRpcError):
        assert told.trailing_metadata()["reason"] == "still-at-work"
    else:
        assert isinstance(told, pb.Booking)
    assert await sale.kept(booking) == [5000]
    assert len(await sale.charges(booking)) == 1
    assert await sale.states() == "sfff"


async def test_a_parked_saga_is_listed_and_resumed_from_the_command_line(sale: Sale) -> None:
    waiting = await sale.order(1, card=THREE_D_SECURE)
    async with transaction(sale.bookings) as tx:
        # As it is left when payment did not answer for half an hour after the buyer had approved.
        parked = text("""
            UPDATE bookings SET status = 'PENDING', step = 1, rests = 30, rests_until = NULL, parked_at = now(),
                booking = booking || '{"status": "PENDING", "parked": "dependency-down: payment does not answer"}'
            WHERE booking_id = :id
        """)
        await tx.execute(parked, {"id": waiting.booking_id})
    await sale.answer_bank(waiting, "approve")
    told = await sale.look(waiting)

    listed = await command(sale, "parked")
    resumed = await command(sale, "resume", waiting.booking_id)

    assert (told.status, told.reason) == (pb.PENDING, "delayed")
    assert waiting.booking_id in listed
    assert "payment does not answer" in listed
    assert "1 resumed" in resumed
    await sale.ends(waiting, pb.CONFIRMED)
    assert waiting.booking_id not in await command(sale, "parked")


async def command(sale: Sale, *words: str) -> str:
    whole = [sys.executable, "-m", "services", "sagas", "--booking", sale.booking_address, *words]
    done = await asyncio.to_thread(subprocess.run, whole, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
