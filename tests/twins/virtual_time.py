"""An event loop whose time passes at once whenever everybody waits: minutes take milliseconds, and always the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class NothingHappensAnyMore(Exception):
    """Everybody waits, and no timer is set."""


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self._virtual_s = 0.0
        select = self._selector.select  # type: ignore[attr-defined]

        def jump(timeout: float | None = None) -> Any:
            if timeout is None:
                raise NothingHappensAnyMore
            self._virtual_s += max(0.0, timeout)
            return select(0)

        self._selector.select = jump  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._virtual_s


def run_virtually[T](work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


async def wait_until(condition: Callable[[], bool], *, within_s: float = 1200.0, every_s: float = 1.0) -> None:
    """TimeoutError when it does not hold within that virtual time."""
    for _ in range(int(within_s / every_s)):
        if condition():
            return
        await asyncio.sleep(every_s)
    raise TimeoutError
