"""Waiting in tests: for a condition, within a bound, never for a time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

# Far more than anything takes: a machine that does other things as well is no fault of ours.
BOUND_S = 45.0
LOOK_S = 0.02


async def until(
    condition: Callable[[], object | Awaitable[object]], *, within_s: float = BOUND_S, every_s: float = LOOK_S
) -> None:
    """Return once the condition holds; TimeoutError when it does not within the bound. Who asks the public API asks
    less often than its limits allow."""
    async with asyncio.timeout(within_s):
        while not await _holds(condition):  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(every_s)


async def _holds(condition: Callable[[], object | Awaitable[object]]) -> bool:
    answer = condition()
    return bool(await answer if inspect.isawaitable(answer) else answer)
