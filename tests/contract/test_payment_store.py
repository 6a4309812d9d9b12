"""What a store of payments promises, held to by the twin and by PostgreSQL alike."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from services.kit.database.engine import open_engine
from services.kit.ids import new_id
from services.kit.money import Money
from services.payment.domain import (
    NextAction,
    Payment,
    PspEvent,
    Refund,
    RefundStatus,
    Status,
    StatusChanged,
    tombstone,
)
from services.payment.ports import Store
from services.payment.repository import PostgresStore
from services.payment.tables import METADATA
from tests.conftest import Stores, database_settings
from tests.twins.payment_store import MemoryPaymentStore

AT = datetime(2030, 1, 1, tzinfo=UTC)
LEASE = {"at": AT, "until": AT + timedelta(seconds=30), "limit": 1000}


@pytest.fixture
async def store(real_stores: Stores | None) -> AsyncIterator[Store]:
    if real_stores is None:
        yield MemoryPaymentStore()
        return
    engine = open_engine(database_settings("payment", real_stores))
    yield PostgresStore(engine)
    await engine.dispose()


def payment(**changed: object) -> Payment:
    fields = {
        "payment_id": new_id(),
        "key": new_id(),
        "booking_id": new_id(),
        "user_id": new_id(),
        "amount": Money(5000, "EUR"),
        "payment_method": "pm_card_visa",
        "description": "booking 1",
        "provider": "sandbox",
        "created_at": AT,
        "updated_at": AT,
    }
    return Payment(**(fields | changed))


async def kept(store: Store, **changed: object) -> Payment:
    """One that is in the store in that state."""
    wanted = payment(**changed)
    async with store.transaction() as payments:
        await payments.add([wanted])
        await payments.save([wanted])
    return wanted


async def test_the_first_payment_of_a_key_stays(store: Store) -> None:
    first = payment()
    other = payment(key=first.key, amount=Money(1, "USD"))
    third = payment()

    async with store.transaction() as payments:
        assert await payments.add([first]) == {first.key}
    async with store.transaction() as payments:
        assert await payments.add([other, third]) == {third.key}
        assert await payments.add([]) == set()

    async with store.transaction() as payments:
        assert await payments.by_key([first.key, "unknown"], lock=True) == {first.key: first}
        assert await payments.by_id([third.payment_id, other.payment_id]) == {third.payment_id: third}


async def test_what_may_change_is_saved_and_the_rest_is_not(store: Store) -> None:
    before = await kept(store)
    after = replace(
        before,
        status=Status.REQUIRES_ACTION,
        next_action=NextAction("redirect", url="https://bank.test/1"),
        provider_ref="pi_1",
        cancelling=True,
        updated_at=AT + timedelta(seconds=1),
    )

    async with store.transaction() as payments:
        await payments.save([after])

    async with store.transaction() as payments:
        assert (await payments.by_id([before.payment_id]))[before.payment_id] == after


async def test_a_tombstone_keeps_its_key(store: Store) -> None:
    grave = tombstone(new_id(), new_id(), "sandbox", at=AT)

    async with store.transaction() as payments:
        await payments.add([grave])
        assert await payments.add([payment(key=grave.key)]) == set()

    async with store.transaction() as payments:
        assert (await payments.by_key([grave.key]))[grave.key].is_tombstone


async def test_an_exception_undoes_the_transaction(store: Store) -> None:
    wanted = payment()

    async def add_then_fail() -> None:
        async with store.transaction() as payments:
            await payments.add([wanted])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await add_then_fail()

    async with store.transaction() as payments:
        assert await payments.by_id([wanted.payment_id]) == {}


@pytest.mark.parametrize(("claimed", "refunded"), [(5001, 0), (100, 101), (0, -1)])
async def test_the_store_itself_guards_that_no_more_goes_back_than_came(
    store: Store, claimed: int, refunded: int
) -> None:
    paid = await kept(store, status=Status.SUCCEEDED)

    async def overdraw() -> None:
        async with store.transaction() as payments:
            await payments.save([replace(paid, claimed_minor=claimed, refunded_minor=refunded)])

    with pytest.raises(Exception, match=r"no.more.back.than.came"):
        await overdraw()


async def test_a_refund_is_kept_and_its_status_replaced(store: Store) -> None:
    paid = await kept(store, status=Status.SUCCEEDED)
    refund = Refund(refund_id=new_id(), payment_id=paid.payment_id, refund_key="k", minor=100, created_at=AT)

    async with store.transaction() as payments:
        assert await payments.find_refund(paid.payment_id, "k") is None
        await payments.save_refund(refund)
        await payments.save_refund(replace(refund, status=RefundStatus.DONE))

    async with store.transaction() as payments:
        assert await payments.find_refund(paid.payment_id, "k") == replace(refund, status=RefundStatus.DONE)


@pytest.mark.parametrize(
    ("status", "cancelling", "leased"),
    [
        (Status.PROCESSING, False, True),
        (Status.PROCESSING, True, True),
        (Status.REQUIRES_ACTION, False, False),
        (Status.REQUIRES_ACTION, True, True),
        (Status.SUCCEEDED, False, False),
        (Status.SUCCEEDED, True, True),
        (Status.PARTIALLY_REFUNDED, True, True),
        (Status.REFUNDED, True, False),
        (Status.FAILED, True, False),
        (Status.CANCELLED, True, False),
    ],
)
async def test_what_is_unsettled_is_leased_once(store: Store, status: Status, cancelling: bool, leased: bool) -> None:
    one = await kept(store, status=status, cancelling=cancelling)
    due = {"before": AT + timedelta(seconds=1)}

    async with store.transaction() as payments:
        early = await payments.lease_unsettled(before=AT, **LEASE)
        first = await payments.lease_unsettled(**due, **LEASE)
    async with store.transaction() as payments:
        second = await payments.lease_unsettled(**due, **LEASE)
        later = await payments.lease_unsettled(**due, **LEASE | {"at": AT + timedelta(seconds=31)})

    assert [one in found for found in (early, first, second, later)] == [False, leased, False, leased]


async def test_a_pending_refund_is_leased_once(store: Store) -> None:
    paid = await kept(store, status=Status.SUCCEEDED)
    refund = Refund(refund_id=new_id(), payment_id=paid.payment_id, refund_key="k", minor=100, created_at=AT)
    done = replace(refund, refund_id=new_id(), refund_key="l", status=RefundStatus.DONE)
    due = {"before": AT + timedelta(seconds=1)}

    async with store.transaction() as payments:
        for one in (refund, done):
            await payments.save_refund(one)
        first = await payments.lease_refunds(**due, **LEASE)
        second = await payments.lease_refunds(**due, **LEASE)

    assert refund in first
    assert done not in first
    assert refund not in second


async def test_an_event_is_new_once_and_waits_until_it_is_handled(store: Store) -> None:
    event = PspEvent(new_id(), "pi_1", new_id())

    async with store.transaction() as payments:
        assert await payments.add_event(event, at=AT)
        assert not await payments.add_event(event, at=AT)
        assert event in await payments.lease_events(**LEASE)
        assert event not in await payments.lease_events(**LEASE)
    later = LEASE | {"at": AT + timedelta(seconds=31), "until": AT + timedelta(seconds=60)}
    async with store.transaction() as payments:
        assert event in await payments.lease_events(**later)
        await payments.events_handled([event.event_id], at=AT)

    async with store.transaction() as payments:
        assert event not in await payments.lease_events(**later | {"at": AT + timedelta(seconds=90)})
        await payments.forget_events(before=AT)
        assert not await payments.add_event(event, at=AT)
        await payments.forget_events(before=AT + timedelta(seconds=1))
        assert await payments.add_event(event, at=AT)


async def test_every_status_can_be_published(store: Store) -> None:
    changes = [StatusChanged(payment(status=status), 100) for status in Status]

    async with store.transaction() as payments:
        await payments.publish(changes)


async def test_the_tables_are_as_the_migrations_leave_them(stores: Stores) -> None:
    engine = open_engine(database_settings("payment", stores))
    columns = text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'payment'")
    async with engine.connect() as session:
        there = {(row.table_name, row.column_name) for row in await session.execute(columns)}
    await engine.dispose()

    ours = {(table.name, column.name) for table in METADATA.sorted_tables for column in table.columns}
    assert ours == {row for row in there if not row[0].startswith("sandbox_") and row[0] != "alembic_version"}
