"""Keeps one program running: starts it, passes its output on, starts it again when it dies."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from asyncio.subprocess import STDOUT, Process
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from services.local.back_off import next_delay_s
from services.local.launch import Launch, end, launch, sweep
from services.local.output import lines_of, pipe

PATIENCE_S: Final = 10.0
LAST_WORDS_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A process of the platform. `env` is the whole environment, not an addition to ours."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    folder: Path | None = None
    nice: int = 0


class Keeper:
    """Owns the one task that keeps `program` alive. Its own remarks go to `show` as JSON lines."""

    def __init__(self, program: Program, show: Callable[[str, str], None]) -> None:
        self._program, self._show = program, show
        self._task: asyncio.Task[None] | None = None
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name=f"keep {self._program.name}")
            self._task.add_done_callback(self._report_fault)

    def tell(self, variables: Mapping[str, str]) -> None:
        """Variables of its environment that count from the next start."""
        self._program = replace(self._program, env={**self._program.env, **variables})

    async def stop(self) -> None:
        """Cancelled while it waits, it kills."""
        task, self._task = self._task, None
        if task is not None:
            self._remark("process_stopping", "info")
            task.cancel()
            # gather hands a cancellation of ours on to the task, and takes the task's as a result.
            await asyncio.gather(task, return_exceptions=True)

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            sweep(self._process)

    async def _keep(self) -> None:
        clock = asyncio.get_running_loop().time
        delay_s: float | None = None
        while True:
            started = clock()
            ending = await self._run_once()
            delay_s = next_delay_s(delay_s, uptime_s=clock() - started)
            self._remark("process_ended", "error", why=ending, again_in_s=delay_s)
            await asyncio.sleep(delay_s)

    async def _run_once(self) -> str:
        async with pipe() as (reader, child_side):
            try:
                with child_side:
                    process = await launch(self._how(), stdout=child_side, stderr=STDOUT)
            except OSError as error:  # no such folder, or the machine is out of processes
                return str(error)
            return await self._watch(process, reader)

    def _how(self) -> Launch:
        wanted = self._program
        return Launch(command=wanted.command, env=wanted.env, folder=wanted.folder, nice=wanted.nice)

    async def _watch(self, process: Process, reader: asyncio.StreamReader) -> str:
        self._process = process
        self._remark("process_started", "info", pid=process.pid)
        output = asyncio.create_task(self._pass_on(reader), name=f"output of {self._program.name}")
        try:
            await process.wait()
        finally:
            code = await self._finish(process, output)
        return f"exit {code}" if code >= 0 else signal.Signals(-code).name

    async def _finish(self, process: Process, output: asyncio.Task[None]) -> int:
        """Its output is read to the last: a child whose pipe is full could not end."""
        try:
            return await end(process, first=signal.SIGTERM, patience_s=PATIENCE_S)
        finally:
            await asyncio.wait({output}, timeout=LAST_WORDS_S)
            output.cancel()

    async def _pass_on(self, reader: asyncio.StreamReader) -> None:
        async for line in lines_of(reader):
            self._show(self._program.name, line)

    def _report_fault(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._remark("process_abandoned", "critical", why=repr(fault))

    def _remark(self, event: str, level: str, **fields: object) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = {"timestamp": now, "level": level, "service": self._program.name, "event": event}
        self._show(self._program.name, json.dumps(entry | fields))
