"""One rehearsal: the platform, wires between all its parts, the sale, and the faults."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from rich.console import Console

from services.kit.topology import topology
from services.local.log_view import LogView, plain
from services.local.platform import Platform, platform
from services.local.ports import service_port
from services.local.readiness import wait_until_ready
from services.local.samples import load_samples
from tests.load.rehearsal.chaos import Chaos
from tests.load.rehearsal.faults import Kind
from tests.load.rehearsal.injectors import Clocks, Connections, Freezes, Injector, Kills, Psp, Stores
from tests.load.rehearsal.invariants import look
from tests.load.rehearsal.report import Outcome
from tests.load.rehearsal.schedule import draw_schedule
from tests.load.rehearsal.settings import RehearsalSettings
from tests.load.rehearsal.wires import HOST, Wires
from tests.load.sale.sale import run_sale
from tests.load.sale.settings import SaleSettings

EMBEDDED = frozenset({"PostgreSQL", "Valkey", "broker"})


class NotOurs(RuntimeError):
    """The environment names stores that are not this rehearsal's to kill."""


async def rehearse(settings: RehearsalSettings, console: Console) -> Outcome:
    """Raises what stops it from being held; what the platform did wrong is in the outcome."""
    began_at = time.perf_counter()

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    async with AsyncExitStack() as stack:
        settings.log.parent.mkdir(parents=True, exist_ok=True)
        log = stack.enter_context(settings.log.open("w", encoding="utf-8"))
        wires = await stack.enter_async_context(Wires())
        running = await stack.enter_async_context(platform(LogView(log, plain), say, route=wires.route))
        if running.embedded.keys() != EMBEDDED:
            raise NotOurs("a rehearsal kills its stores: unset POSTGRES_HOST, REDIS_HOST and KAFKA_BROKERS")
        chaos = _chaos(settings, running, wires, say)
        verdict = await run_sale(await sale_for(settings, running, wires), console, around=chaos.around)
        say("looking whether the services' own books agree")
        invariants = await look()
    return Outcome(
        settings=settings,
        verdict=verdict,
        invariants=invariants,
        faults=chaos.injected,
        began_at=chaos.began_at,
        took_s=time.perf_counter() - began_at,
    )


def _chaos(settings: RehearsalSettings, running: Platform, wires: Wires, say: Callable[[str], None]) -> Chaos:
    schedule = draw_schedule(seed=settings.seed, faults=settings.faults, window_s=settings.window_s)
    return Chaos(schedule, injectors_for(running, wires), say=say, recovered=whole)


def injectors_for(running: Platform, wires: Wires) -> Mapping[Kind, Injector]:
    """One for every kind. `wires` are those the platform was started with."""
    stores, connections = Stores(running.embedded), Connections(wires)
    return {
        Kind.KILL: Kills(running.supervisor),
        Kind.FREEZE: Freezes(running.supervisor),
        **dict.fromkeys((Kind.STORE_KILL, Kind.STORE_STOP, Kind.STORE_FREEZE), stores),
        **dict.fromkeys((Kind.CUT, Kind.AWAY, Kind.MUTE), connections),
        Kind.PSP: Psp(running.url("payment")),
        Kind.CLOCK: Clocks(running.supervisor),
    }


async def whole() -> None:
    """Every service is ready, and reaches all that it needs."""
    await wait_until_ready(topology().python_services)


async def sale_for(settings: RehearsalSettings, running: Platform, wires: Wires) -> SaleSettings:
    """Two events are put on sale; buyers come by wires of their own."""
    samples = await load_samples(running.url("gateway"), running.secrets.organiser_password)
    gateway, realtime = (wires.route("buyers", name, service_port(name, "http")) for name in ("gateway", "realtime"))
    return settings.sale(
        gateway=f"http://{HOST}:{gateway}",
        realtime=f"ws://{HOST}:{realtime}/ws",
        mailbox=running.mailbox_url,
        psp=running.url("payment"),
        events=tuple(sample.event_id for sample in samples),
    )
