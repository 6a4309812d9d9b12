"""One embedded server as a child process: start until it answers, stop, kill, start again."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from services.local.launch import Launch, end, launch
from services.local.stores.port import StoreFailed, refuse_busy_port

START_S: Final = 60.0
STOP_S: Final = 10.0
PROBE_EVERY_S: Final = 0.05
LOG_TAIL_BYTES: Final = 2000


class Store(Protocol):
    """What a chaos test needs. `start` returns when the store answers; each may be called twice."""

    @property
    def pid(self) -> int | None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def kill(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one server is run: `variable` names what points the services at a real store instead."""

    name: str
    port: int
    variable: str
    log: Path
    launch: Launch
    stop_signal: signal.Signals = signal.SIGTERM
    start_again_on: str | None = None  # words in the log that make another try worth it


class Server:
    """The life of one server process. `answers` is asked until it says yes."""

    def __init__(self, plan: Plan, answers: Callable[[], Awaitable[bool]]) -> None:
        self._plan = plan
        self._answers = answers
        self._process: Process | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        if self.running:
            return
        refuse_busy_port(self._plan.name, self._plan.port, variable=self._plan.variable)
        try:
            async with asyncio.timeout(START_S):
                await self._start_until_ready()
        except TimeoutError as late:
            await self.kill()
            raise self._failure(f"did not answer within {START_S:.0f} s") from late
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        await self._end(self._plan.stop_signal)

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def _start_until_ready(self) -> None:
        await self._spawn()
        while not await self._answers():
            if not self.running:
                self._refuse_unless_worth_another_try()
                await asyncio.sleep(PROBE_EVERY_S)
                await self._spawn()
            await asyncio.sleep(PROBE_EVERY_S)

    async def _spawn(self) -> None:
        with self._plan.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = await launch(self._plan.launch, stdout=log, stderr=log)

    async def _end(self, first: signal.Signals) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            await end(process, first=first, patience_s=STOP_S)

    def _refuse_unless_worth_another_try(self) -> None:
        again = self._plan.start_again_on
        if again is None or again not in self._log_tail():
            raise self._failure("ended while starting")

    def _failure(self, what: str) -> StoreFailed:
        return StoreFailed(f"{self._plan.name} {what} ({self._plan.log}): {self._log_tail()}")

    def _log_tail(self) -> str:
        said = self._plan.log.read_bytes()[self._log_start :]
        return said[-LOG_TAIL_BYTES:].decode(errors="replace").strip()


class Managed:
    """`async with store:` starts it and stops it, for any store that is made of a Server."""

    _server: Server

    @property
    def pid(self) -> int | None:
        return self._server.pid

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop()

    async def kill(self) -> None:
        """SIGKILL, as when a machine loses its power."""
        await self._server.kill()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
