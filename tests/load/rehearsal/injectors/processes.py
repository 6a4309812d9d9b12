"""kill -9, and SIGSTOP: a process that is gone, and one that only seems to be."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import Final

from services.local.supervisor import Supervisor
from tests.load.rehearsal.faults import Fault
from tests.waiting import until

# One that died a moment ago is killed once it lives again.
ALIVE_S: Final = 60.0


class Kills:
    """The supervisor brings them back, as a cluster would."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    async def inject(self, fault: Fault) -> None:
        await until(lambda: self._supervisor.alive() >= set(fault.targets), within_s=ALIVE_S)
        for name in fault.targets:
            self._supervisor.kill(name)

    async def heal(self) -> None:
        return None


class Freezes:
    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    async def inject(self, fault: Fault) -> None:
        await until(lambda: self._supervisor.alive() >= set(fault.targets), within_s=ALIVE_S)
        pids = [self._supervisor.pids()[name] for name in fault.targets]
        send(signal.SIGSTOP, pids)
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            send(signal.SIGCONT, pids)

    async def heal(self) -> None:
        return None


def send(which: signal.Signals, pids: list[int]) -> None:
    """To each that still lives."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, which)
