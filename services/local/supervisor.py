"""Keeps a set of processes running, one log for all, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from services.local.keeper import Keeper, Program

__all__ = ["Program", "Supervisor"]


class Supervisor:
    """`async with Supervisor(view) as supervisor:` add programs, then `await supervisor.wait()`.

    Leaving the block ends the processes, the one added last first. Cancel once for a polite end
    (SIGTERM, bounded patience, SIGKILL), once more for SIGKILL at once.
    """

    def __init__(self, show: Callable[[str, str], None]) -> None:
        self._show = show
        self._keepers: dict[str, Keeper] = {}

    def add(self, program: Program) -> None:
        if program.name in self._keepers:
            raise ValueError(f"{program.name} is here already")
        keeper = Keeper(program, self._show)
        self._keepers[program.name] = keeper
        keeper.start()

    async def stop(self, name: str) -> None:
        """It stays stopped until `restart`."""
        await self._keepers[name].stop()

    def kill(self, name: str) -> None:
        """SIGKILL to its process group, as a crash; it comes back after its back-off."""
        self._keepers[name].kill()

    async def restart(self, name: str, **variables: str) -> None:
        """Politely stopped and started at once, back-off forgotten; starts a stopped one too.

        From then on it has these variables in its environment, also after a crash.
        """
        await self._keepers[name].stop()
        self._keepers[name].tell(variables)
        self._keepers[name].start()

    def pids(self) -> dict[str, int]:
        running = ((name, keeper.pid) for name, keeper in self._keepers.items())
        return {name: pid for name, pid in running if pid is not None}

    def alive(self) -> frozenset[str]:
        return frozenset(self.pids())

    async def wait(self) -> None:
        """For ever: until the task is cancelled."""
        await asyncio.Event().wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # All are told before the first is waited for. A second cancellation reaches every keeper
        # through gather and ends its patience.
        await asyncio.gather(*(keeper.stop() for keeper in reversed(self._keepers.values())))
