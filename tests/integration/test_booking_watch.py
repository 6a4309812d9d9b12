"""Three services' books are made really wrong, and the watch has to see it; what is safe it puts right, once.

booking, ticket and payment run as they do anywhere, over real PostgreSQL, a Kafka-protocol broker and gRPC.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import grpc
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from protos.gen import booking_pb2 as pb
from protos.gen import booking_pb2_grpc, invariants_pb2, payment_pb2_grpc, ticket_pb2_grpc
from protos.timeline import sentence
from services.booking.app import PAYMENT, TICKET
from services.booking.app import compose as compose_booking
from services.booking.books import PostgresBooks
from services.booking.judging import (
    CONFIRMED_WITHOUT_MAIL,
    CONFIRMED_WITHOUT_SEATS,
    PAID_WITHOUT_TICKET,
    PROMISES,
    SEATS_WITHOUT_BOOKING,
    SOLD_FOR_CANCELLED_EVENT,
    SOLD_WITHOUT_PAYMENT,
)
from services.booking.others import OtherBooks
from services.booking.settings import BookingSettings
from services.booking.timeline import Heard
from services.booking.watch import BookingWatch
from services.kit.clock import utc_now
from services.kit.database.engine import open_engine, transaction
from services.kit.ids import new_id
from services.kit.rpc.client import Peer
from services.payment.app import compose as compose_payment
from services.payment.settings import PaymentSettings
from services.ticket.app import compose as compose_ticket
from services.ticket.domain.event import Layout
from services.ticket.settings import TicketSettings
from tests.conftest import Stores, database_settings
from tests.ports import free_port
from tests.running import running
from tests.twins.ticket_events import hall
from tests.twins.ticket_shop import shop_over
from tests.waiting import until


@dataclass
class World:
    engines: dict[str, AsyncEngine]
    stub: booking_pb2_grpc.BookingServiceAsyncStub
    others: OtherBooks
    layout: Layout
    published: int = 0
    seat: int = 0
    ahead: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.books = PostgresBooks(self.engines["booking"])
        self.watch = BookingWatch(
            self.books, self.others, lambda: utc_now() + self.ahead, committed=self.wake, window=timedelta(hours=1)
        )

    def wake(self) -> None:
        self.published += 1

    def let_time_pass(self) -> None:
        """What was done until now is older than any grace."""
        self.ahead = timedelta(minutes=15)

    async def book(self, card: str = "pm_card_visa", *, mailed: bool = True) -> pb.Booking:
        self.seat += 1
        order = pb.CreateBookingRequest(
            booking_id=new_id(),
            user_id=new_id(),
            event_id=self.layout.event.event_id,
            seat_ids=[f"A-1-{self.seat}"],
            payment_method=card,
        )
        booking = (await self.stub.CreateBooking(order)).booking
        if mailed:
            sent = Heard(
                fact_id=new_id(), booking_id=booking.booking_id, at=utc_now(), code="mail-sent", about="tickets"
            )
            await self.books.hear([sent])
        return booking

    async def change(self, service: str, statement: str, booking: pb.Booking) -> None:
        async with transaction(self.engines[service]) as tx:
            named = {"id": booking.booking_id, "hold": f"{booking.booking_id}/seats"}
            asked = {name: value for name, value in named.items() if f":{name}" in statement}
            assert (await tx.execute(text(statement), asked)).rowcount > 0

    async def wrong(self, booking: pb.Booking) -> set[str]:
        """What is wrong with that booking, at a look."""
        return {one.invariant for one in (await self.watch.look()).violations if one.subject == booking.booking_id}

    async def left(self, booking: pb.Booking) -> set[str]:
        """What is still wrong with it once the watch has gone all its ways twice."""
        for _ in range(2):
            for way in (self.watch.settled, self.watch.unsettled, self.watch.wrong_already, self.watch.everything):
                await way()
        return {one.invariant for one in await self.books.findings() if one.subject == booking.booking_id}

    async def receipts(self, booking: pb.Booking) -> list[tuple[str, str]]:
        return [(one.rule, one.done) for one in await self.books.repairs(100) if one.subject == booking.booking_id]


@pytest.fixture
async def world(stores: Stores) -> AsyncIterator[World]:
    port, rare = free_port(), {"watch_every_s": 3600}
    async with AsyncExitStack() as stack:
        ticket = await stack.enter_async_context(running(TicketSettings, compose_ticket, stores, **rare))
        page = {"http_port": port, "public_url": f"http://127.0.0.1:{port}", "realtime_service_url": "127.0.0.1:9"}
        payment = await stack.enter_async_context(running(PaymentSettings, compose_payment, stores, **page, **rare))
        urls = {"ticket": f"127.0.0.1:{ticket.grpc_port}", "payment": f"127.0.0.1:{payment.grpc_port}"}
        named = {f"{name}_service_url": url for name, url in urls.items()}
        booking = await stack.enter_async_context(running(BookingSettings, compose_booking, stores, **named, **rare))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{booking.grpc_port}"))
        peers = (
            Peer("ticket", urls["ticket"], ticket_pb2_grpc.TicketServiceStub, service=TICKET),
            Peer("payment", urls["payment"], payment_pb2_grpc.PaymentServiceStub, service=PAYMENT),
        )
        for peer in peers:
            await stack.enter_async_context(peer)
        shop = await stack.enter_async_context(shop_over(stores))
        layout = await shop.open(hall(rows={"1": 20}))
        engines = {name: open_engine(database_settings(name, stores)) for name in ("booking", "ticket", "payment")}
        yield World(engines, booking_pb2_grpc.BookingServiceStub(channel), OtherBooks(*peers), layout)
        await _forget_all(engines)


async def _forget_all(engines: dict[str, AsyncEngine]) -> None:
    """Other tests look at the same databases."""
    tables = {
        "booking": ("bookings", "findings", "heard", "watch_marks"),
        "payment": ("payments", "sandbox_refunds", "sandbox_intents"),
        "ticket": ("tickets", "seats", "holds", "sections", "events"),
    }
    for name, engine in engines.items():
        async with transaction(engine) as tx:
            for table in tables[name]:
                await tx.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own names
        await engine.dispose()


async def test_sales_that_went_well_and_badly_leave_nothing_wrong(world: World) -> None:
    sold = await world.book()
    declined = await world.book("pm_card_visa_chargeDeclined", mailed=False)
    waiting = await world.book("pm_card_threeDSecure2Required", mailed=False)
    cancelled = await world.book()
    await world.stub.CancelBooking(pb.CancelBookingRequest(booking_id=cancelled.booking_id))
    bookings = (sold, declined, waiting, cancelled)

    assert [await world.wrong(one) for one in bookings] == [set()] * 4
    # Long enough for every grace, and not for the buyer's time to pay to be over.
    world.ahead = timedelta(minutes=4)

    assert [await world.wrong(one) for one in bookings] == [set()] * 4
    assert [await world.left(one) for one in bookings] == [set()] * 4


@pytest.mark.parametrize(
    ("service", "statement", "invariants"),
    [
        ("ticket", "UPDATE holds SET state = 'released' WHERE key = :hold", {CONFIRMED_WITHOUT_SEATS}),
        ("ticket", "UPDATE tickets SET void = true WHERE hold_key = :hold", {CONFIRMED_WITHOUT_SEATS}),
        ("payment", "UPDATE payments SET status = 'failed' WHERE booking_id = :id", {SOLD_WITHOUT_PAYMENT}),
        ("payment", "UPDATE payments SET amount_minor = 1 WHERE booking_id = :id", {SOLD_WITHOUT_PAYMENT}),
        ("booking", "DELETE FROM bookings WHERE booking_id = :id", {PAID_WITHOUT_TICKET, SEATS_WITHOUT_BOOKING}),
    ],
)
async def test_what_only_a_person_can_put_right_is_found_and_left_alone(
    world: World, service: str, statement: str, invariants: set[str]
) -> None:
    booking = await world.book()
    await world.change(service, statement, booking)

    at_once = await world.wrong(booking)
    world.let_time_pass()

    assert at_once == set()
    assert await world.wrong(booking) == invariants
    assert await world.left(booking) == invariants
    assert await world.receipts(booking) == []


async def test_money_of_a_rejected_booking_goes_back_and_its_seats_are_freed_once(world: World) -> None:
    booking = await world.book()
    rejected = """
        UPDATE bookings SET status = 'REJECTED', booking = jsonb_set(booking, '{status}', '"REJECTED"')
        WHERE booking_id = :id
    """
    await world.change("booking", rejected, booking)
    world.let_time_pass()
    assert await world.wrong(booking) == {PAID_WITHOUT_TICKET, SEATS_WITHOUT_BOOKING}

    assert [await world.left(booking) for _ in range(2)] == [set()] * 2

    assert await world.others.seats_of([booking.booking_id]) == []
    ((_, paid),) = await world.others.payments_of([booking.booking_id])
    assert (paid.captured, paid.refunded_minor) == (False, paid.amount.minor)
    assert sorted(await world.receipts(booking)) == [
        (PAID_WITHOUT_TICKET, "the payment was undone: given back, or never charged"),
        (SEATS_WITHOUT_BOOKING, "the seats were given back"),
    ]


async def test_a_mail_that_never_came_is_asked_for_again_and_not_every_time(world: World) -> None:
    booking = await world.book(mailed=False)
    world.let_time_pass()

    assert await world.wrong(booking) == {CONFIRMED_WITHOUT_MAIL}
    assert await world.left(booking) == {CONFIRMED_WITHOUT_MAIL}

    assert world.published == 1
    assert await world.receipts(booking) == [(CONFIRMED_WITHOUT_MAIL, "the mail was asked for again")]
    sent = Heard(fact_id=new_id(), booking_id=booking.booking_id, at=utc_now(), code="mail-sent", about="tickets")
    await world.books.hear([sent])
    assert await world.left(booking) == set()


async def test_a_mail_that_failed_is_told_and_not_sent_again(world: World) -> None:
    booking = await world.book(mailed=False)
    failed = Heard(fact_id=new_id(), booking_id=booking.booking_id, at=utc_now(), code="mail-failed", about="tickets")
    await world.books.hear([failed, failed])
    world.let_time_pass()

    assert await world.left(booking) == {CONFIRMED_WITHOUT_MAIL}
    assert await world.receipts(booking) == []


async def test_what_is_still_sold_long_after_its_event_was_cancelled_is_found_and_cancelled(world: World) -> None:
    booking = await world.book()
    world.let_time_pass()
    assert await world.wrong(booking) == set()
    # As a saga leaves it that was parked when the event was cancelled, and resumed days after.
    long_ago = """
        INSERT INTO cancelled_events (event_id, cancelled_at)
        SELECT event_id, now() - interval '3 days' FROM bookings WHERE booking_id = :id
    """
    await world.change("booking", long_ago, booking)

    assert await world.wrong(booking) == {SOLD_FOR_CANCELLED_EVENT}
    await world.left(booking)

    async def cancelled() -> bool:
        asked = pb.GetBookingRequest(booking_id=booking.booking_id)
        return bool((await world.stub.GetBooking(asked)).booking.status == pb.CANCELLED)

    await until(cancelled)
    assert await world.left(booking) == set()
    assert await world.wrong(booking) == set()
    ((_, paid),) = await world.others.payments_of([booking.booking_id])
    assert (paid.captured, paid.refunded_minor) == (False, paid.amount.minor)
    [(rule, done)] = await world.receipts(booking)
    assert (rule, done) == (SOLD_FOR_CANCELLED_EVENT, "the bookings of its event were looked for anew, to be cancelled")


async def test_the_service_tells_what_it_promises(world: World) -> None:
    booking = await world.book()
    await world.change("ticket", "UPDATE tickets SET void = true WHERE hold_key = :hold", booking)

    reply = await world.stub.CheckInvariants(invariants_pb2.CheckInvariantsRequest(grace_s=1))
    told = {one.name: one for one in reply.invariants}

    assert told.keys() == PROMISES.keys()
    assert min(one.looked_at for one in reply.invariants) >= 1
    assert reply.left_out == ""


async def test_a_timeline_is_for_its_owner_and_for_support(world: World) -> None:
    booking = await world.book("pm_card_visa_chargeDeclined", mailed=False)

    told = await world.stub.GetTimeline(pb.GetTimelineRequest(booking_id=booking.booking_id))
    mine = await world.stub.GetTimeline(pb.GetTimelineRequest(booking_id=booking.booking_id, user_id=booking.user_id))

    codes = [entry.code for entry in told.entries]
    assert codes[:3] == ["reserving", "held", "charging"]
    assert codes[-1] == "rejected"
    assert mine.entries[:3] == told.entries[:3]
    assert booking.user_id not in str(told)
    assert "pm_card" not in str(told)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.stub.GetTimeline(pb.GetTimelineRequest(booking_id=booking.booking_id, user_id=new_id()))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_timeline_says_that_somebody_let_a_parked_booking_go_on(world: World) -> None:
    booking = await world.book("pm_card_authenticationRequired", mailed=False)
    parked = """
        UPDATE bookings SET status = 'PENDING', parked_at = now(), leased_by = NULL, rests_until = NULL,
            booking = booking || '{"status": "PENDING", "parked": "payment does not answer"}'
        WHERE booking_id = :id
    """
    await world.change("booking", parked, booking)

    resumed = await world.stub.ResumeParked(pb.ResumeParkedRequest(booking_ids=[booking.booking_id]))

    async def codes() -> list[str]:
        told = await world.stub.GetTimeline(pb.GetTimelineRequest(booking_id=booking.booking_id))
        return [entry.code for entry in told.entries]

    async def waits_again() -> bool:
        return (await codes()).count("waits-for-buyer") == 2

    await until(waits_again)
    assert list(resumed.booking_ids) == [booking.booking_id]
    told = await codes()
    assert told.index("waits-for-buyer") < told.index("resumed") < len(told) - 1
    assert sentence("resumed").startswith("Somebody of ours")


async def test_what_happened_long_ago_is_forgotten(world: World) -> None:
    booking = await world.book()
    old = "UPDATE saga_log SET at = now() - interval '1 year' WHERE booking_id = :id AND entry = 'seats'"
    await world.change("booking", old, booking)

    forgotten = await world.books.forget(before=utc_now() - timedelta(days=180), limit=100)

    logged, heard, _ = await world.books.told_of(booking.booking_id)
    assert forgotten >= 1
    assert "seats" not in [line.entry for line in logged]
    assert logged
    assert heard
