"""Many connections at once over one hall: no seat is sold twice, and nobody waits in a circle."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text

from protos.gen import messages_pb2 as messages
from services.kit.database.engine import transaction
from services.kit.errors import Refusal
from services.ticket.domain.event import Layout
from services.ticket.domain.hold import GiveBack, Order, Sale
from tests.conftest import Stores
from tests.twins.ticket_events import USER, hall, order
from tests.twins.ticket_shop import Shop, shop_over

REPLICAS = 4


@pytest.fixture
async def shops(stores: Stores) -> AsyncIterator[list[Shop]]:
    """Replicas: each has an engine, and connections, of its own."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(shop_over(stores)) for _ in range(REPLICAS)]


async def test_fifty_buyers_race_for_ten_seats_and_each_seat_is_sold_once(shops: list[Shop]) -> None:
    layout = await shops[0].open(hall(rows={"1": 10}, standing=7))
    orders = [
        order(layout, *(f"A-1-{seat}" for seat in random.sample(range(1, 11), 2)), FLOOR=buyer % 2 + 1)
        for buyer in range(50)
    ]

    async def buy(buyer: int, one: Order) -> list[str]:
        shop = shops[buyer % REPLICAS]
        (held,) = await shop.handlers.reserve([one])
        if isinstance(held, Refusal):
            assert held.reason in {"seat-taken", "sold-out"}
            return []
        return [signed.ticket.place.seat_id for signed in await shop.confirm(one.key)]

    bought = await asyncio.gather(*(buy(buyer, one) for buyer, one in enumerate(orders)))

    sold = Counter(seat_id for seat_ids in bought for seat_id in seat_ids)
    standing = sold.pop("", 0)
    assert sold
    assert max(sold.values()) == 1
    assert standing <= 7
    assert await shops[0].counts(layout, "A") == (0, len(sold))
    assert await shops[0].counts(layout, "FLOOR") == (0, standing)
    assert await shops[0].contradictions(layout) == []


async def test_one_key_from_everywhere_at_once_is_one_hold(shops: list[Shop]) -> None:
    layout = await shops[0].open(hall(rows={"1": 10}))
    one = order(layout, A=2)

    holds = await asyncio.gather(*(shops[number % REPLICAS].reserve(one) for number in range(20)))

    assert {hold.places for hold in holds} == {holds[0].places}
    assert await shops[0].counts(layout, "A") == (2, 0)


async def test_batches_of_all_kinds_over_several_events_end_and_leave_the_books_right(shops: list[Shop]) -> None:
    halls = [await shops[0].open(hall(rows={"1": 20, "2": 20}, standing=30)) for _ in range(3)]
    dice = random.Random(7)
    made: list[Order] = []

    def some_orders() -> list[Order]:
        orders = [_dream(dice, dice.choice(halls)) for _ in range(20)]
        made.extend(orders)
        return orders

    async def work(shop: Shop) -> None:
        for _ in range(12):
            match dice.randrange(5):
                case 0 | 1:
                    await shop.handlers.reserve(some_orders())
                case 2:
                    keys = [one.key for one in dice.sample(made, min(20, len(made)))]
                    await shop.handlers.confirm([Sale(key, "booking", USER) for key in keys])
                case 3:
                    keys = [one.key for one in dice.sample(made, min(10, len(made)))]
                    await shop.handlers.release([GiveBack(key, "") for key in keys])
                case _:
                    await shop.let_time_pass(*(await _held(shop, dice)))
                    await shop.handlers.expire_holds()

    async with asyncio.timeout(60):
        await asyncio.gather(*(work(shop) for shop in shops for _ in range(3)))

    for layout in halls:
        await _books_are_right(shops[0], layout)


async def _held(shop: Shop, dice: random.Random) -> list[str]:
    assert shop.engine is not None
    async with transaction(shop.engine) as tx:
        held = list((await tx.execute(text("SELECT key FROM holds WHERE expires_at > now() ORDER BY key"))).scalars())
    return dice.sample(held, min(5, len(held)))


def _dream(dice: random.Random, layout: Layout) -> Order:
    if dice.random() < 0.4:
        return order(layout, A=dice.randint(1, 4))
    if dice.random() < 0.3:
        return order(layout, FLOOR=dice.randint(1, 4))
    return order(layout, *{f"A-{dice.randint(1, 2)}-{dice.randint(1, 20)}" for _ in range(3)}, FLOOR=1)


async def _books_are_right(shop: Shop, layout: Layout) -> None:
    """Counters, seats, tickets and facts agree, and versions have no gaps."""
    assert shop.engine is not None
    states = Counter((await shop.states(layout)).values())
    assert await shop.counts(layout, "A") == (states["h"], states["s"])
    assert await shop.contradictions(layout) == []
    event_id = layout.event.event_id
    async with transaction(shop.engine) as tx:
        valid = await tx.scalar(
            text("SELECT count(*) FROM tickets WHERE event_id = :id AND section_id = 'A' AND NOT void"),
            {"id": event_id},
        )
        bodies = list(
            (await tx.execute(text("SELECT body FROM outbox WHERE key = :id ORDER BY id"), {"id": event_id})).scalars()
        )
    assert valid == states["s"]
    facts = [messages.SeatsChanged.FromString(body) for body in bodies]
    assert [fact.version for fact in facts] == list(range(2, len(facts) + 2))
    told = {seat.seat_id: seat.state for fact in facts for seat in fact.seats}
    assert {seat_id: told.get(seat_id, "f") for seat_id in await shop.states(layout)} == await shop.states(layout)
    counts = {one.section_id: (one.held, one.sold) for fact in facts for one in fact.sections}
    assert counts["A"] == (states["h"], states["s"])
