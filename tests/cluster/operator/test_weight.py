"""What twenty platforms cost: memory of the operator, and requests while nothing changes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from ticketing_operator.transport import Transport

from tests.cluster.api_server import ApiServer
from tests.cluster.operator.conftest import World, new_world
from tests.cluster.operator.test_process import Process, granted, until_ready

__all__ = ["granted"]
PLATFORMS = 20
# The limit is 120 MiB for the container; Helm's program, which runs now and then, is a process of its own.
LIMIT_MIB = 120
RESTS_S = 20.0
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
async def worlds(admin: Transport) -> AsyncIterator[list[World]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(new_world(admin)) for _ in range(PLATFORMS)]


async def test_twenty_platforms_weigh_less_than_120_mib_and_ask_nothing_at_rest(
    granted: ApiServer, worlds: list[World], tmp_path: Path
) -> None:
    for world in worlds:
        await world.ask({"version": "1.0.0"})

    weighed = Process(granted, tmp_path, identity="weighed")
    # A start that compiles weighs ten MiB more; an image has that behind it.
    await asyncio.to_thread(compile_it, weighed)
    with weighed.running() as process:
        for world in worlds:
            await until_ready(world)
        # Events of the last changes are still on their way.
        await asyncio.sleep(5)
        before = len(about_objects(granted))
        # Some ten resyncs. There is nothing to wait for: this is about what does not happen.
        await asyncio.sleep(RESTS_S)
        asked = about_objects(granted)[before:]
        memory = resident_mib(process.pid)

    print(f"{PLATFORMS} platforms: {memory:.0f} MiB, {len(asked)} requests in {RESTS_S:.0f} s at rest")
    assert asked == []
    assert memory < LIMIT_MIB


def compile_it(process: Process) -> None:
    command = [sys.executable, "-c", "import ticketing_operator.run, ticketing_operator.command_line"]
    subprocess.run(command, env=process.environment(), check=True)  # noqa: S603 - our own


def about_objects(server: ApiServer) -> list[str]:
    """Watches, which cost nothing while nothing changes, and the Lease left out."""
    return [
        f"{entry['verb']} {entry['requestURI']}"
        for entry in server.asked()
        if entry["verb"] != "watch" and "/leases" not in entry["requestURI"]
    ]


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
