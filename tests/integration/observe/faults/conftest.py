"""One platform with wires between its parts, under a light sale and watched by Prometheus, for all faults in turn."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from rich.console import Console

from services.local.platform import Platform, platform
from services.local.prometheus import prometheus_url
from tests.integration.observe.faults.sights import SIGHTS
from tests.load.rehearsal.faults import Kind
from tests.load.rehearsal.injectors import Injector
from tests.load.rehearsal.rehearsal import injectors_for, sale_for
from tests.load.rehearsal.settings import RehearsalSettings
from tests.load.rehearsal.wires import Wires
from tests.load.sale.sale import run_sale
from tests.load.sale.settings import Shares
from tests.load.sale.verdict import Verdict
from tests.ports import use_free_ports

# Two orders a second for as long as all faults may take; many of them with a card whose approval comes by webhook.
LIGHT = RehearsalSettings(buyers=600, faults=len(SIGHTS), every_s=16.0)
CARDS = Shares(approves_3ds=0.4)


@dataclass(frozen=True)
class Troubled:
    """A platform to which things can be done, and what watches it. The sale goes on until the last of them."""

    injectors: Mapping[Kind, Injector]
    prometheus: str
    sale: asyncio.Task[Verdict]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def troubled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Troubled]:
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    os.environ["OBSERVE"] = "1"
    try:
        use_free_ports()
        with (tmp_path_factory.mktemp("troubled") / "platform.log").open("w", buffering=1) as log:
            show: Callable[[str, str], None] = lambda name, line: print(name, line, file=log)  # noqa: E731 - named for its type
            async with (
                Wires() as wires,
                platform(show, lambda _: None, route=wires.route) as running,
                _light_sale(running, wires) as sale,
            ):
                yield Troubled(injectors_for(running, wires), prometheus_url(), sale)
    finally:
        for name in ("OBSERVE", "LOCAL_PORT_OFFSET"):
            os.environ.pop(name, None)


@asynccontextmanager
async def _light_sale(running: Platform, wires: Wires) -> AsyncIterator[asyncio.Task[Verdict]]:
    """Its first buyers have ordered when the block begins; it ends with the block, whatever became of it."""
    settings = replace(await sale_for(LIGHT, running, wires), shares=CARDS)
    began = asyncio.Event()

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        began.set()
        yield

    sale = asyncio.create_task(run_sale(settings, Console(quiet=True), around=around), name="sale")
    try:
        beginning = asyncio.create_task(began.wait(), name="began")
        await asyncio.wait({sale, beginning}, return_when=asyncio.FIRST_COMPLETED)
        beginning.cancel()
        yield sale
    finally:
        sale.cancel()
        await asyncio.gather(sale, return_exceptions=True)
