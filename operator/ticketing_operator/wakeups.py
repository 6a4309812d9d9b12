"""Who is to be looked at, and when: one queue for all platforms, each in it at most once."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ticketing_operator.names import PlatformKey

# Events of one change come in a burst: this long they gather, and are one pass.
GATHER_S: Final = 0.3
FIRST_DELAY_S: Final = 1.0
LONGEST_DELAY_S: Final = 60.0


@dataclass(slots=True)
class _Line:
    """One platform's place: when it is due, how often it failed in a row."""

    due: float | None = None
    failures: int = 0
    # Set while it failed: events do not bring it forward, only a change of the platform does.
    not_before: float = 0.0
    busy: bool = False
    again: bool = False


@dataclass(slots=True)
class Wakeups:
    """Coalescing: many reasons to look at a platform are one look, and never two at once."""

    clock: Callable[[], float]
    jitter: Callable[[], float] = field(default=lambda: random.uniform(0.8, 1.2))  # noqa: S311 - spreads retries
    _lines: dict[PlatformKey, _Line] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self, key: PlatformKey, *, urgent: bool = False) -> None:
        """Look at it soon. `urgent` when the platform itself changed: then what failed before may not fail again."""
        line = self._lines.setdefault(key, _Line())
        if urgent:
            line.failures, line.not_before = 0, 0.0
        if line.busy:
            line.again = True
            return
        due = max(self.clock() + GATHER_S, line.not_before)
        line.due = due if line.due is None else min(line.due, due)
        self._changed.set()

    async def next(self) -> PlatformKey:
        """Wait for the next platform that is due. Give it back with `done` or `failed`."""
        while True:
            self._changed.clear()
            waiting = [(line.due, key) for key, line in self._lines.items() if line.due is not None]
            due, key = min(waiting, default=(float("inf"), None))
            if key is not None and due <= self.clock():
                self._lines[key].due, self._lines[key].busy = None, True
                return key
            await self._wait(None if key is None else due - self.clock())

    async def _wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def done(self, key: PlatformKey, *, gone: bool = False, again_in_s: float | None = None) -> None:
        """It was looked at. One that is gone is forgotten, unless something was heard of it meanwhile.

        `again_in_s`: look then, although nothing may have been heard of it.
        """
        line = self._lines[key]
        line.busy, line.failures, line.not_before = False, 0, 0.0
        if line.again:
            line.again = False
            self.wake(key)
        elif gone:
            del self._lines[key]
        elif again_in_s is not None:
            line.due = self.clock() + max(GATHER_S, again_in_s)
            self._changed.set()

    def failed(self, key: PlatformKey) -> None:
        """Look again after a while that doubles with every failure in a row."""
        line = self._lines[key]
        delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2**line.failures) * self.jitter()
        line.busy, line.failures = False, min(line.failures + 1, 10)
        line.not_before = self.clock() + delay
        line.due, line.again = line.not_before, False
        self._changed.set()
