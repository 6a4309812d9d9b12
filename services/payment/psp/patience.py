"""Many calls at once: the slowest few do not hold up the rest."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from services.payment.domain import Intent
from services.payment.ports import PspDown


async def answers_in_time(
    calls: Sequence[Coroutine[Any, Any, Intent]], *, limit_s: float, patience_s: float
) -> Sequence[Intent | Exception]:
    """One outcome a call, in their order; PspDown for those that took too long, which are cancelled.

    When half of them have answered, the rest get as long again, at least `patience_s`, and never more than `limit_s`.
    """
    loop, half = asyncio.get_running_loop(), asyncio.Event()
    began, answered = loop.time(), 0

    async def counted(call: Coroutine[Any, Any, Intent]) -> Intent:
        nonlocal answered
        try:
            return await call
        finally:
            answered += 1
            if 2 * answered >= len(calls):
                half.set()

    tasks = [asyncio.create_task(counted(call), name="psp-call") for call in calls]
    try:
        async with asyncio.timeout(limit_s):
            await half.wait()
            took_s = loop.time() - began
            await asyncio.wait(tasks, timeout=max(took_s, patience_s))
    except TimeoutError:
        pass
    finally:
        late = [task for task in tasks if not task.done()]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    return [_outcome(task) for task in tasks]


def _outcome(task: asyncio.Task[Intent]) -> Intent | Exception:
    if task.cancelled():
        return PspDown()
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, Exception):
        return error
    raise error
