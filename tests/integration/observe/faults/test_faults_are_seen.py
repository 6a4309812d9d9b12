"""Whoever is on call sees what a rehearsal does to a platform: every fault moves the panel or alert that is for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from tests.integration.observe.conftest import ask
from tests.integration.observe.faults.conftest import Troubled
from tests.integration.observe.faults.sights import SIGHTS, Sight, expressions_at
from tests.load.rehearsal.faults import Fault, Kind
from tests.load.rehearsal.rehearsal import whole
from tests.load.rehearsal.schedule import draw_schedule
from tests.waiting import until

# Until what was before has left the window, and until what is now is scraped; far more than either takes.
QUIET_S, SEEN_S = 40, 25
EVERY_S = 0.5
# A rehearsal of so many faults has one of each.
DECK = 40


def test_every_kind_of_fault_has_a_sight() -> None:
    assert {sight.fault.kind for sight in SIGHTS} == set(Kind)


def test_everything_that_a_rehearsal_orders_of_the_psp_has_a_sight() -> None:
    drawn = draw_schedule(seed=1, faults=DECK, window_s=4.0 * DECK)
    ordered = {name for fault in drawn if fault.kind is Kind.PSP for name in fault.details}

    assert {name for sight in SIGHTS if sight.fault.kind is Kind.PSP for name in sight.fault.details} == ordered


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(300)  # the first of them starts the platform
@pytest.mark.parametrize("sight", SIGHTS, ids=str)
async def test_a_fault_is_seen(troubled: Troubled, web: aiohttp.ClientSession, sight: Sight) -> None:
    async def seen() -> bool:
        return any([await _shows(troubled, web, sight, expr) for expr in expressions_at(sight.where)])

    async def unseen() -> bool:
        return not await seen()

    assert not troubled.sale.done(), "the sale is over: nothing moves any more"
    await until(unseen, within_s=QUIET_S, every_s=EVERY_S)

    async with _injected(troubled, sight.fault):
        await until(seen, within_s=SEEN_S, every_s=EVERY_S)


async def _shows(troubled: Troubled, web: aiohttp.ClientSession, sight: Sight, expr: str) -> bool:
    answers = await ask(web, troubled.prometheus, expr)
    return any(sight.shows(float(one["value"][1])) for one in answers if sight.labels.items() <= one["metric"].items())


@asynccontextmanager
async def _injected(troubled: Troubled, fault: Fault) -> AsyncIterator[None]:
    """Until the block ends; then it is undone, and the platform is whole again."""
    injector = troubled.injectors[fault.kind]
    injecting = asyncio.create_task(injector.inject(fault), name=str(fault))
    try:
        yield
    finally:
        injecting.cancel()
        with suppress(asyncio.CancelledError):
            await injecting
        await injector.heal()
        await whole()
