"""Waiting for what has not started yet: for commands that run once, beside stores that start at the same time."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Final

AT_MOST_S: Final = 300.0
EVERY_S: Final = 1.0
# A line for every so many tries tells whoever reads the log what is waited for.
SAY_EVERY: Final = 10


class GaveUp(Exception):
    """What was waited for did not come; the message is for people."""


async def patiently[T](
    attempt: Callable[[], Awaitable[T]],
    *,
    not_yet: tuple[type[Exception], ...],
    at_most_s: float = AT_MOST_S,
    every_s: float = EVERY_S,
) -> T:
    """The first result of `attempt`. One of `not_yet` means try again; GaveUp when time is up."""
    loop = asyncio.get_running_loop()
    until, tries = loop.time() + at_most_s, 0
    while True:
        try:
            return await attempt()
        except not_yet as missing:
            if loop.time() + every_s > until:
                raise GaveUp(f"gave up after {at_most_s:.0f} s: {_said(missing)}") from missing
            if tries % SAY_EVERY == 0:
                sys.stderr.write(f"waiting: {_said(missing)}\n")
        tries += 1
        await asyncio.sleep(every_s)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
