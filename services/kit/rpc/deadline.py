"""Deadlines that shrink along a chain of calls: a call gets what is left of its caller's time, and never more."""

import asyncio
from contextvars import ContextVar
from typing import Final

# On the event loop's clock; None where nobody waits (jobs, consumers).
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)

DEFAULT_TIMEOUT_S: Final = 5.0
# Below this a call could not finish anyway.
_LEAST_S: Final = 0.005


def begin(remaining_s: float | None) -> None:
    """Everything this task calls from now on has to be done in that time; None: no bound from above."""
    now = asyncio.get_running_loop().time()
    _deadline.set(None if remaining_s is None else now + remaining_s)


def remaining_s(wanted_s: float = DEFAULT_TIMEOUT_S) -> float:
    """The time a call may take: what it wants, or what is left of our caller's if that is less."""
    deadline = _deadline.get()
    if deadline is None:
        return wanted_s
    return max(_LEAST_S, min(wanted_s, deadline - asyncio.get_running_loop().time()))
