"""The whole platform under a small sale, once a session, with everything that watches it: Prometheus, an OTLP
collector, and its log at its most talkative."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from services.kit.topology import topology
from services.local.platform import Platform, platform
from services.local.prometheus import prometheus_url
from services.local.samples import Sample, load_samples
from tests.otlp_collector import Collector, collecting
from tests.ports import free_port, use_free_ports
from tests.waiting import until

BUYERS = int(os.environ.get("WATCHED_BUYERS", "150"))
SALE_S = 240
# Three scrapes: a rate needs two.
SEEN_S = 6


@dataclass(frozen=True)
class Watched:
    """A platform that has held a sale, and what was seen of it."""

    platform: Platform
    samples: Sequence[Sample]
    collector: Collector
    log: Path
    prometheus: str

    def logged(self) -> str:
        return self.log.read_text()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    path, otlp = tmp_path_factory.mktemp("watched") / "platform.log", free_port()
    wanted = {
        "OBSERVE": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{otlp}",
        "TRACE_RATIO": "1",
        "LOG_LEVEL": "debug",
        # Certificates are watched too.
        "MESH_MTLS": "permissive",
    }
    os.environ |= wanted
    try:
        use_free_ports()
        with path.open("w", buffering=1) as log:
            show: Callable[[str, str], None] = lambda name, line: print(name, line, file=log)  # noqa: E731 - named for its type
            async with collecting(otlp) as collector, platform(show, lambda _: None) as started:
                samples = await load_samples(started.url("gateway"), started.secrets.organiser_password)
                watched = Watched(started, samples, collector, path, prometheus_url())
                # What grew before the first look did not grow.
                await _scraped_since(watched, time.time() - SEEN_S)
                await _hold_sale(started, samples)
                await _scraped_since(watched, time.time())
                yield watched
    finally:
        for name in (*wanted, "LOCAL_PORT_OFFSET"):
            os.environ.pop(name, None)


async def _hold_sale(running: Platform, samples: Sequence[Sample]) -> None:
    command = [
        *(sys.executable, "-m", "tests.load.sale", "--buyers", str(BUYERS)),
        *("--gateway", running.url("gateway"), "--realtime", f"{running.url('realtime', scheme='ws')}/ws"),
        *("--mailbox", running.mailbox_url, "--psp", running.url("payment")),
        *(word for sample in samples for word in ("--event", sample.event_id)),
    ]
    sale = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(SALE_S):
            said, _ = await sale.communicate()
    finally:
        if sale.returncode is None:
            sale.kill()
            await sale.wait()
    assert sale.returncode == 0, said.decode()


async def _scraped_since(watched: Watched, sale_ended: float) -> None:
    """Every service has been looked at a few times more."""
    expr = f"count(timestamp(up) > {sale_ended + SEEN_S}) == {len(topology().python_services)}"
    async with aiohttp.ClientSession() as web:

        async def seen() -> bool:
            return bool(await ask(web, watched.prometheus, expr))

        await until(seen, within_s=60)


@pytest_asyncio.fixture(loop_scope="session")
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session:
        yield session


async def ask(web: aiohttp.ClientSession, prometheus: str, expr: str) -> list[dict[str, Any]]:
    """What the Prometheus at that address answers to an expression."""
    async with web.get(f"{prometheus}/api/v1/query", params={"query": expr}) as response:
        answer = await response.json()
    assert answer["status"] == "success", f"{expr}: {answer}"
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found
