"""What the tests of the local run share: bounded waiting, a process to kill."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
PATIENCE_S: Final = 45.0
LOOK_EVERY_S: Final = 0.02

type Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
type RunScript = Callable[..., Awaitable[Process]]


@pytest.fixture
def eventually() -> Eventually:
    async def wait_until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - the world outside has no Event to wait for
                await asyncio.sleep(LOOK_EVERY_S)

    return wait_until


@pytest.fixture
def is_running() -> Callable[[int], bool]:
    """A zombie nobody has buried yet counts as gone, once its last thread is: until then its ports are taken."""

    def look(pid: int) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            threads = len(os.listdir(f"/proc/{pid}/task"))
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state != "Z" or threads > 1

    return look


@pytest.fixture
async def run_script() -> AsyncIterator[RunScript]:
    """Runs Python text in a process of its own, which is killed after the test at the latest."""
    async with AsyncExitStack() as stack:

        async def run(text: str, *arguments: str) -> Process:
            return await stack.enter_async_context(_running(text, *arguments))

        yield run


@asynccontextmanager
async def _running(text: str, *arguments: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", text, *arguments),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=DEVNULL,
        stdout=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.wait_for(process.communicate(), PATIENCE_S)
