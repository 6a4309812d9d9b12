"""Many at once, but not all: a bounded number of workers goes through a list."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable


async def each[T](items: Iterable[T], work: Callable[[T], Awaitable[None]], *, at_once: int) -> None:
    """The first exception ends it for all."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(worker(), name="crowd")
    except ExceptionGroup as several:
        raise several.exceptions[0] from several
