"""A sale: a crowd comes, orders in the same moment, and everybody gets what is theirs, or is told why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from random import Random

from rich.console import Console

from tests.load.sale.bench import run_bench
from tests.load.sale.buyers import Buyer, Shopper
from tests.load.sale.crowds import each
from tests.load.sale.doors import CpuClock, Doors, close_sockets, doors
from tests.load.sale.plans import House, Plan, draw_plans
from tests.load.sale.progress import Phase, Stage
from tests.load.sale.settings import SaleSettings
from tests.load.sale.verdict import Verdict, pace_of
from tests.load.sale.wire import Event

# What goes on around the sale itself, from the first order until it may be judged.
type Around = Callable[[], AbstractAsyncContextManager[object]]


async def run_sale(settings: SaleSettings, console: Console | None = None, *, around: Around = nullcontext) -> Verdict:
    """Only through the public API, the WebSockets, the mailbox and the PSP's own list."""
    stage = Stage(console or Console(stderr=True))
    async with doors(settings, stage) as way_in:
        return await (run_bench(way_in) if settings.bench else _sale(way_in, around))


async def _sale(way_in: Doors, around: Around) -> Verdict:
    settings = way_in.settings
    events = await _on_sale(way_in)
    way_in.stage.say(f"{settings.crowd} buyers (seed {settings.seed}) for {', '.join(event.title for event in events)}")
    plans = draw_plans(House.of(events), settings.shares, buyers=settings.crowd, dice=Random(settings.seed))
    audit = way_in.audit(events)
    await audit.begin()
    buyers = await way_in.crowd([f"event:{plan.event_id}" if plan.watches else "" for plan in plans])
    try:
        cpu = CpuClock()
        async with around():
            with way_in.stage.phase("sale", len(buyers)) as phase:
                await _rush(way_in, buyers, plans, phase)
        spent_s = cpu.read()
        pace = pace_of([order for buyer in buyers for order in buyer.orders])
        return await way_in.judge(audit, buyers, pace=pace, cpu_s=spent_s)
    finally:
        await close_sockets(buyers)


async def _on_sale(way_in: Doors) -> Sequence[Event]:
    ids = way_in.settings.events or await way_in.api.events()
    return [await way_in.api.event(event_id) for event_id in ids]


async def _rush(way_in: Doors, buyers: Sequence[Buyer], plans: Sequence[Plan], phase: Phase) -> None:
    settings = way_in.settings

    async def shop(who: tuple[Buyer, Plan]) -> None:
        await Shopper(*who, way_in.http, patience_s=settings.patience_s).shop(rush_s=settings.rush_s)
        phase.advance()

    await each(zip(buyers, plans, strict=True), shop, at_once=len(buyers))
