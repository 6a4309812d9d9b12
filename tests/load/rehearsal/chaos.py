"""Works off a schedule: every fault at its time, whatever else is going on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.load.rehearsal.faults import Fault, Kind
from tests.load.rehearsal.injectors import Injector


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """A fault that took place; moments on the clock of `time.perf_counter`."""

    fault: Fault
    began_at: float
    ended_at: float

    @property
    def struck_at(self) -> float:
        """A kill waits until its victim lives."""
        return self.ended_at if self.fault.kind is Kind.KILL else self.began_at


class Chaos:
    """`say` gets a line for each fault as it comes; `recovered` returns when the platform is whole again."""

    def __init__(
        self,
        schedule: Sequence[Fault],
        injectors: Mapping[Kind, Injector],
        *,
        say: Callable[[str], None],
        recovered: Callable[[], Awaitable[None]],
    ) -> None:
        self._schedule, self._injectors = schedule, injectors
        self._say, self._recovered = say, recovered
        self.began_at = 0.0
        self.injected: list[Injected] = []

    @asynccontextmanager
    async def around(self) -> AsyncIterator[None]:
        """Faults come during the block; it ends when all took place, all is healed and the platform is whole."""
        self.began_at = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for fault in self._schedule:
                group.create_task(self._inject(fault), name=str(fault))
            yield
        for injector in set(self._injectors.values()):
            await injector.heal()
        await self._recovered()
        self.injected.sort(key=lambda one: one.began_at)

    async def _inject(self, fault: Fault) -> None:
        await asyncio.sleep(fault.at_s)
        began_at = time.perf_counter()
        self._say(f"{began_at - self.began_at:6.1f} s  {fault}")
        await self._injectors[fault.kind].inject(fault)
        self.injected.append(Injected(fault=fault, began_at=began_at, ended_at=time.perf_counter()))
