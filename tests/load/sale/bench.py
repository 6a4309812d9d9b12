"""A closed loop: each buyer orders, waits for the result on the socket, and orders again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from tests.load.sale.buyers import Buyer, new_order
from tests.load.sale.crowds import each
from tests.load.sale.doors import CpuClock, Doors, close_sockets
from tests.load.sale.plans import GOOD_CARDS
from tests.load.sale.progress import Phase
from tests.load.sale.verdict import Verdict, pace_of
from tests.load.sale.wire import Event

SECTION_SEATS: Final = 5_000
ROW_SEATS: Final = 100
STANDING: Final = 50_000
# One order in so many is for standing room.
STANDING_EVERY: Final = 8
MOST_SEATS: Final = 2
# Section, row, and the first of two seats.
type Pair = tuple[str, str, int]
REFUSED_PAUSE_S: Final = 0.2


class NoSeatsLeft(Exception):
    """The platform was faster than the house is large."""


async def run_bench(way_in: Doors) -> Verdict:
    settings, dice = way_in.settings, Random(way_in.settings.seed)
    event = await stage_event(way_in)
    audit = way_in.audit([event])
    await audit.begin()
    buyers = await way_in.crowd([""] * settings.crowd)
    try:
        orders = orders_of(event, shuffled_pairs(event, dice), dice)
        began = time.perf_counter() + settings.warm_up_s
        ends = began + settings.measure_s
        with way_in.stage.phase("bench") as phase:
            cpu = CpuClock()
            await buy_until(ends, buyers, orders, phase, patience_s=settings.patience_s)
            spent_s = cpu.read()
        pace = pace_of([order for buyer in buyers for order in buyer.orders], begin=began, end=ends)
        return await way_in.judge(audit, buyers, pace=pace, cpu_s=spent_s)
    finally:
        await close_sockets(buyers)


async def buy_until(
    ends: float, buyers: Sequence[Buyer], orders: Iterator[dict[str, object]], phase: Phase, *, patience_s: float
) -> None:
    """Each of them orders, and again once the result is there; all have theirs when it returns. `ends` is a moment of
    `time.perf_counter`, after which nobody orders any more."""

    async def keep_buying(buyer: Buyer) -> None:
        while time.perf_counter() < ends:
            wanted = next(orders)
            order = new_order(str(wanted["event_id"]), wanted)
            await buyer.place(order)
            if order.booking_id:
                await buyer.wait_for_result(order, within_s=patience_s)
                phase.advance()
            else:
                await asyncio.sleep(REFUSED_PAUSE_S)

    await each(buyers, keep_buying, at_once=len(buyers))


def orders_of(event: Event, pairs: Sequence[Pair], dice: Random) -> Iterator[dict[str, object]]:
    """Named seats that nobody else wants, and now and then standing room. Seats do come to an end."""
    floor = next(section.id for section in event.sections if section.kind == "standing")
    for number, (section, row, first) in enumerate(pairs):
        if number % STANDING_EVERY == 0:
            yield _order(event.id, dice, areas=[{"section_id": floor, "quantity": dice.randint(1, MOST_SEATS)}])
        wanted = range(first, first + dice.randint(1, MOST_SEATS))
        yield _order(event.id, dice, seats=[f"{section}-{row}-{seat}" for seat in wanted])
    raise NoSeatsLeft("the bench has sold every seat: give it more with --bench-seats")


def shuffled_pairs(event: Event, dice: Random) -> Sequence[Pair]:
    pairs = [
        (section.id, row.label, first)
        for section in event.sections
        for row in section.rows
        for first in range(1, row.seats, MOST_SEATS)
    ]
    dice.shuffle(pairs)
    return pairs


def _order(event_id: str, dice: Random, **places: object) -> dict[str, object]:
    return {"event_id": event_id, "payment_method": dice.choice(GOOD_CARDS)} | places


async def stage_event(way_in: Doors) -> Event:
    """An organiser's work, through the public API: a large house, published."""
    with way_in.stage.phase("stage"):
        organiser = await way_in.join("organiser", role="organiser")
        event_id = await way_in.api.create_event(organiser, big_house(way_in.settings.bench_seats))
        await way_in.api.publish(organiser, event_id)
        return await way_in.api.event(event_id)


def big_house(seats: int) -> Mapping[str, object]:
    rows = [{"label": str(row), "seats": ROW_SEATS} for row in range(1, SECTION_SEATS // ROW_SEATS + 1)]
    blocks = max(1, seats // SECTION_SEATS)
    sections: list[dict[str, object]] = [
        {"id": f"B{number}", "name": f"Block {number}", "kind": "seated", "rows": rows, "tier_id": "all"}
        for number in range(1, blocks + 1)
    ]
    sections.append({"id": "FLOOR", "name": "Floor", "kind": "standing", "capacity": STANDING, "tier_id": "all"})
    begins = (datetime.now(UTC) + timedelta(days=60)).replace(microsecond=0)
    return {
        "title": "A very large house",
        "description": "Made by the benchmark.",
        "category": "benchmark",
        "venue": {
            "name": "Stadium",
            "address": "Ring 1",
            "city": "Berlin",
            "country": "DE",
            "timezone": "Europe/Berlin",
        },
        "sections": sections,
        "tiers": [{"id": "all", "name": "All", "price": {"amount": 3900, "currency": "EUR"}}],
        "starts_at": begins.isoformat(),
        "ends_at": (begins + timedelta(hours=3)).isoformat(),
        "max_per_booking": 10,
    }
