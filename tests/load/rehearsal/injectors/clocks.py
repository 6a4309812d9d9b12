"""Clocks that are wrong: a process comes back on a machine that nobody set."""

from __future__ import annotations

import asyncio

from services.local.supervisor import Supervisor
from tests.load.rehearsal.faults import Fault


class Clocks:
    """Politely restarted, for a process learns its clock's error at its start; wrong until all is healed."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._wrong: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    async def inject(self, fault: Fault) -> None:
        (name,) = fault.targets
        self._wrong.add(name)
        await self._set(name, fault.details["by_s"])

    async def heal(self) -> None:
        while self._wrong:
            await self._set(self._wrong.pop(), 0.0)

    async def _set(self, name: str, by_s: float) -> None:
        async with self._one_at_a_time:
            await self._supervisor.restart(name, CLOCK_SKEW_S=f"{by_s:g}")
