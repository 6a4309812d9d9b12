"""Our books and the PSP's are made really different, and the watch has to see it; what is safe it puts right, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.clock import utc_now
from services.kit.database.engine import open_engine, transaction
from services.kit.ids import new_id
from services.kit.money import Money
from services.payment.books import PostgresBooks
from services.payment.comparing import (
    AMOUNTS_DIFFER,
    CHARGES_MISSING,
    CHARGES_UNKNOWN,
    PROMISES,
    REFUNDS_DIFFER,
    UNSETTLED,
)
from services.payment.domain import Payment
from services.payment.handlers import PaymentHandlers
from services.payment.ledger import Ledger
from services.payment.orders import Order
from services.payment.psp.deliveries import Deliveries
from services.payment.psp.sandbox import SandboxPsp
from services.payment.reading import PaymentReads
from services.payment.repository import PostgresStore
from services.payment.settling import Settling
from services.payment.watch import PspWatch
from tests.conftest import Stores, database_settings

TWICE = """INSERT INTO sandbox_intents
           SELECT 'pi_' || gen_random_uuid(), charge_key || '-again', asked, client_secret, amount_minor, currency,
                  status, failure, payment_method, refunded_minor, payment_id, booking_id, created_at
           FROM sandbox_intents WHERE intent_id = :ref"""


class NobodyListens:
    async def payment_changed(self, payment: Payment) -> None:
        return None


@dataclass
class World:
    """The payment service over real PostgreSQL and the sandbox, with a clock that a test may turn."""

    engine: AsyncEngine
    ahead: timedelta = timedelta()

    def __post_init__(self) -> None:
        deliveries = Deliveries(self.engine, utc_now, url="http://127.0.0.1:9/nobody")
        self.psp = SandboxPsp(
            self.engine, deliveries, utc_now, public_url="http://127.0.0.1", timeout_s=1, patience_s=0.1
        )
        store = PostgresStore(self.engine)
        ledger = Ledger(store, self.psp, self.now, lambda: None)
        self.handlers = PaymentHandlers(store, ledger, self.now, provider="sandbox")
        self.books = PostgresBooks(self.engine)
        self.settling = Settling(store, ledger, self.psp, NobodyListens(), self.now)
        self.watch = PspWatch(self.books, self.psp, self.settling.settle_event, self.now, window=timedelta(hours=1))

    def now(self) -> datetime:
        return utc_now() + self.ahead

    def let_time_pass(self) -> None:
        """What was done until now is older than any grace."""
        self.ahead += timedelta(minutes=5)

    async def paid(self, *, booking_id: str = "") -> Payment:
        order = Order(
            key=new_id(),
            booking_id=booking_id or new_id(),
            user_id=new_id(),
            amount=Money(5000, "EUR"),
            payment_method="pm_card_visa",
        )
        (payment,) = await self.handlers.create_many([order])
        assert isinstance(payment, Payment)
        return payment

    async def wrong(self, payment: Payment) -> set[str]:
        """Which invariants that payment violates, at a look."""
        return {one.invariant for one in (await self.watch.look()).violations if one.subject == payment.payment_id}

    async def left(self, payment: Payment) -> set[str]:
        """Which it violates after a round of the watch."""
        return {one.invariant for one in await self.watch.round() if one.subject == payment.payment_id}

    async def change(self, statement: str, payment: Payment) -> None:
        async with transaction(self.engine) as tx:
            named = {"id": payment.payment_id, "ref": payment.provider_ref}
            statement_ = text(statement)
            asked = {name: value for name, value in named.items() if f":{name}" in statement}
            assert (await tx.execute(statement_, asked)).rowcount == 1


@pytest.fixture
async def world(stores: Stores) -> AsyncIterator[World]:
    engine = open_engine(database_settings("payment", stores))
    yield World(engine)
    async with transaction(engine) as tx:
        # Other tests look at the same database.
        for table in ("payments", "sandbox_refunds", "sandbox_intents"):
            await tx.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own names
    await engine.dispose()


async def test_books_that_agree_have_nothing_wrong(world: World) -> None:
    payment, refunded = await world.paid(), await world.paid()
    await world.handlers.refund(refunded.payment_id, "r", Money(2000, "EUR"))
    world.let_time_pass()

    report = await world.watch.look()

    assert list(report.promises) == list(PROMISES)
    assert await world.wrong(payment) == await world.wrong(refunded) == set()
    assert min(report.looked_at.values()) >= 2


@pytest.mark.parametrize(
    ("invariant", "statement"),
    [
        (CHARGES_UNKNOWN, "DELETE FROM payments WHERE payment_id = :id"),
        (CHARGES_UNKNOWN, "UPDATE payments SET status = 'failed' WHERE payment_id = :id"),
        (AMOUNTS_DIFFER, "UPDATE payments SET amount_minor = 4000 WHERE payment_id = :id"),
        (AMOUNTS_DIFFER, "UPDATE sandbox_intents SET currency = 'USD' WHERE intent_id = :ref"),
        (
            REFUNDS_DIFFER,
            """UPDATE payments SET status = 'refunded', claimed_minor = 5000, refunded_minor = 5000
               WHERE payment_id = :id""",
        ),
        (REFUNDS_DIFFER, "UPDATE sandbox_intents SET refunded_minor = 1 WHERE intent_id = :ref"),
        (CHARGES_MISSING, "DELETE FROM sandbox_intents WHERE intent_id = :ref"),
        (CHARGES_MISSING, "UPDATE sandbox_intents SET status = 'canceled' WHERE intent_id = :ref"),
    ],
)
async def test_books_that_differ_are_found_once_they_are_older_than_the_grace(
    world: World, invariant: str, statement: str
) -> None:
    payment = await world.paid()
    await world.change(statement, payment)

    at_once = await world.wrong(payment)
    world.let_time_pass()

    # What never was in our books has no time that grace could count from.
    assert at_once == set() or "DELETE FROM payments" in statement
    assert await world.wrong(payment) == {invariant}


async def test_a_second_charge_of_a_payment_is_found(world: World) -> None:
    payment = await world.paid()
    await world.change(
        TWICE,
        payment,
    )
    world.let_time_pass()

    assert await world.wrong(payment) == {CHARGES_UNKNOWN}


async def test_a_payment_without_an_outcome_is_found(world: World) -> None:
    payment = await world.paid()
    await world.change(
        "UPDATE payments SET status = 'processing', updated_at = now() - interval '1 hour' WHERE payment_id = :id",
        payment,
    )

    assert UNSETTLED in await world.wrong(payment)


async def test_a_charge_that_we_gave_up_is_settled_once_with_a_receipt(world: World) -> None:
    payment = await world.paid()
    await world.change("UPDATE payments SET status = 'failed' WHERE payment_id = :id", payment)
    world.let_time_pass()

    assert [await world.left(payment) for _ in range(3)] == [set()] * 3
    # Nobody claims the money, so it goes back in the way late money does.
    world.let_time_pass()
    await world.settling.settle_abandoned()

    charge = await world.psp.find(payment.provider_ref)
    assert charge is not None
    assert charge.refunded_minor == 5000
    assert await world.left(payment) == set()
    receipts = [one for one in await world.books.repairs(50) if one.subject == payment.payment_id]
    assert [one.rule for one in receipts] == [CHARGES_UNKNOWN]


async def test_money_that_was_taken_twice_goes_back_once_and_the_payment_stays(world: World) -> None:
    payment = await world.paid()
    await world.change(TWICE, payment)
    world.let_time_pass()

    assert [await world.left(payment) for _ in range(2)] == [set()] * 2

    listed = await world.psp.intents(since=payment.created_at, until=world.now(), limit=100)
    mine = {one.ref: one.refunded_minor for one in listed if one.payment_id == payment.payment_id}
    assert mine.pop(payment.provider_ref) == 0
    assert list(mine.values()) == [5000]


async def test_what_is_not_safe_is_told_and_left_alone(world: World) -> None:
    payment = await world.paid()
    await world.change("DELETE FROM payments WHERE payment_id = :id", payment)
    world.let_time_pass()

    assert [await world.left(payment) for _ in range(2)] == [{CHARGES_UNKNOWN}] * 2

    charge = await world.psp.find(payment.provider_ref)
    assert charge is not None
    assert charge.refunded_minor == 0


async def test_what_was_put_right_by_hand_is_told_no_more(world: World) -> None:
    payment = await world.paid()
    await world.change("UPDATE payments SET amount_minor = 4000 WHERE payment_id = :id", payment)
    world.let_time_pass()
    assert await world.left(payment) == {AMOUNTS_DIFFER}

    await world.change("UPDATE payments SET amount_minor = 5000 WHERE payment_id = :id", payment)

    assert await world.left(payment) == set()


async def test_payments_are_listed_by_booking_in_pages(world: World) -> None:
    reads, bookings = PaymentReads(world.books), sorted(new_id() for _ in range(4))
    for booking_id in bookings:
        await world.paid(booking_id=booking_id)
    before = bookings.pop(0)

    first = await reads.between(before, bookings[-1], size=2, token="")
    rest = await reads.between(before, bookings[-1], size=2, token=first.next_token)

    assert [one.booking_id for one in (*first.items, *rest.items)] == bookings
    assert [one.booking_id for one in (await reads.of_bookings([bookings[1], new_id()])).items] == [bookings[1]]
