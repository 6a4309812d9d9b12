"""Two transactions that both believe a place to be theirs: the database lets one of them win.

The service takes the event's lock before it decides, so this never happens there. Here nobody takes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.kit.database.engine import transaction
from services.kit.ids import new_id
from services.ticket.domain import keeping, reserving
from services.ticket.domain.event import Layout, Locked, OnSale
from services.ticket.domain.hold import Order, Sale
from services.ticket.domain.stock import Changes
from services.ticket.ports import Inventory
from services.ticket.repository.writing import GuardFailed
from tests.conftest import Stores
from tests.twins.ticket_events import USER, hall, order
from tests.twins.ticket_shop import LASTS, Shop, shop_over

# How a transaction is told that it lost: a row was not as it was believed to be, or a constraint of the schema.
LOST = (GuardFailed, IntegrityError)

type Decide = Callable[[Inventory, Locked], Awaitable[Changes]]


@pytest.fixture
async def shops(stores: Stores) -> AsyncIterator[list[Shop]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(shop_over(stores)) for _ in range(2)]


async def race(shops: list[Shop], layout: Layout, *decides: Decide) -> list[BaseException | None]:
    """Each decides in a transaction of its own upon what it read, without the event's lock; then all write at once."""
    decided = asyncio.Barrier(len(decides))
    event = layout.event

    async def one(shop: Shop, decide: Decide) -> None:
        async with shop.store.transaction() as tx:
            nobodys = Locked(await now(shops[0]), {event.event_id: OnSale(event, cancelled=False)})
            changes = await decide(_Unlocked(tx, nobodys), nobodys)
            await decided.wait()
            await tx.write(changes)

    return await asyncio.gather(*map(one, shops, decides), return_exceptions=True)


class _Unlocked:
    """The inventory's reads for who has no lock."""

    def __init__(self, tx, locked: Locked) -> None:
        self._tx = tx
        tx._locked = locked

    def __getattr__(self, name: str):
        return getattr(self._tx, name)


async def now(shop: Shop):
    assert shop.engine is not None
    async with transaction(shop.engine) as tx:
        return (await tx.execute(text("SELECT clock_timestamp()"))).scalar_one()


def reserves(wanted: Order) -> Decide:
    async def decide(tx: Inventory, locked: Locked) -> Changes:
        stock = await tx.stock(reserving.asked_by([wanted], locked, {}))
        (hold,) = reserving.reserve([wanted], locked=locked, holds={}, stock=stock, lasts=LASTS)
        assert not isinstance(hold, Exception), "both must believe that the place is free"
        return stock.changes

    return decide


def sells(key: str) -> Decide:
    async def decide(tx: Inventory, locked: Locked) -> Changes:
        holds = await tx.holds([key])
        stock = await tx.stock(keeping.asked_by_keys(holds))
        sale = Sale(key, f"booking-{key}", USER)
        (sold,) = keeping.sell([sale], locked=locked, holds=holds, tickets={}, stock=stock, new_id=new_id)
        assert not isinstance(sold, Exception)
        return stock.changes

    return decide


def one_won(outcomes: list[BaseException | None]) -> bool:
    lost = [one for one in outcomes if one is not None]
    assert all(isinstance(one, LOST) for one in lost), lost
    return len(lost) == len(outcomes) - 1


async def test_the_service_works_at_the_default_isolation(shops: list[Shop]) -> None:
    assert shops[0].engine is not None
    async with transaction(shops[0].engine) as tx:
        assert (await tx.execute(text("SHOW transaction_isolation"))).scalar_one() == "read committed"


async def test_of_two_who_hold_one_seat_at_once_one_wins(shops: list[Shop]) -> None:
    layout = await shops[0].open(hall(rows={"1": 3}))

    outcomes = await race(shops, layout, reserves(order(layout, "A-1-1", "A-1-2")), reserves(order(layout, "A-1-2")))

    assert one_won(outcomes)
    taken = 2 if outcomes[0] is None else 1
    assert await shops[0].counts(layout, "A") == (taken, 0)
    assert sum(state == "h" for state in (await shops[0].states(layout)).values()) == taken


async def test_of_two_who_take_the_best_seats_at_once_one_wins(shops: list[Shop]) -> None:
    layout = await shops[0].open(hall(rows={"1": 3}))

    outcomes = await race(shops, layout, reserves(order(layout, A=2)), reserves(order(layout, A=2)))

    assert one_won(outcomes)
    assert await shops[0].counts(layout, "A") == (2, 0)


async def test_of_two_who_take_the_last_place_to_stand_one_wins(shops: list[Shop]) -> None:
    layout = await shops[0].open(hall(rows={"1": 1}, standing=3))

    outcomes = await race(shops, layout, reserves(order(layout, FLOOR=2)), reserves(order(layout, FLOOR=2)))

    assert one_won(outcomes)
    assert await shops[0].counts(layout, "FLOOR") == (2, 0)


async def test_one_hold_is_sold_once(shops: list[Shop]) -> None:
    layout = await shops[0].open(hall(rows={"1": 3}, standing=3))
    held = await shops[0].reserve(order(layout, "A-1-1", FLOOR=2))

    outcomes = await race(shops, layout, sells(held.key), sells(held.key))

    assert one_won(outcomes)
    assert await shops[0].counts(layout, "A") == (0, 1)
    assert await shops[0].counts(layout, "FLOOR") == (0, 2)
    assert len(await shops[0].confirm(held.key)) == 3


async def test_a_hold_that_expires_while_it_is_sold_is_either_and_not_both(shops: list[Shop]) -> None:
    layout = await shops[0].open(hall(rows={"1": 3}))
    held = await shops[0].reserve(order(layout, "A-1-1"))
    await shops[0].let_time_pass(held.key)

    async def expires(tx: Inventory, locked: Locked) -> Changes:
        holds = await tx.holds([held.key])
        stock = await tx.stock(keeping.asked_by_keys(holds))
        assert keeping.let_expire(locked=locked, holds=holds, stock=stock) == 1
        return stock.changes

    outcomes = await race(shops, layout, sells(held.key), expires)

    assert one_won(outcomes)
    assert await shops[0].counts(layout, "A") == ((0, 1) if outcomes[0] is None else (0, 0))


async def test_a_seat_never_has_two_valid_tickets(shops: list[Shop]) -> None:
    layout = await shops[0].open(hall(rows={"1": 3}))
    held = await shops[0].reserve(order(layout, "A-1-1"))
    await shops[0].confirm(held.key)
    forged = text("""
        INSERT INTO tickets (hold_key, ordinal, ticket_id, event_id, section_id, seat_id, booking_id)
        VALUES (:key, 0, :key, :event_id, 'A', 'A-1-1', 'another')
    """)
    assert shops[0].engine is not None

    with pytest.raises(DBAPIError, match="ux_tickets_seat"):
        async with transaction(shops[0].engine) as tx:
            await tx.execute(forged, {"key": new_id(), "event_id": layout.event.event_id})
