"""The tasks of a worker, from the first survey to the last outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import structlog

from services.booking_worker.handlers import WorkerHandlers
from services.booking_worker.leases import Leases
from services.booking_worker.lines import Lines
from services.booking_worker.ports import Buyers, Queue
from services.booking_worker.telling import Teller
from services.kit.errors import NotNow, Told

# New entries of one event that one read takes.
READ_AT_ONCE: Final = 200
# Buyers are told this often how far their queue is.
POSITIONS_S: Final = 0.25
IDLE_S: Final = 0.2
AWAY_S: Final = 0.5
log = structlog.get_logger()


class Worker:
    """Its tasks outlive the process's wish to stop, until what was taken has its outcome."""

    def __init__(
        self,
        queue: Queue,
        lines: Lines,
        handlers: WorkerHandlers,
        leases: Leases,
        buyers: Buyers,
        teller: Teller,
        *,
        orders_run: Coroutine[Any, Any, None],
        linger_s: float,
    ) -> None:
        self._queue, self._lines, self._handlers, self._leases = queue, lines, handlers, leases
        self._buyers, self._teller, self._orders_run, self._linger_s = buyers, teller, orders_run, linger_s
        self._tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def working(self, *, grace_s: float) -> AsyncIterator[None]:
        """Works until the end of the block; then finishes what it has begun, for as long as the grace lasts."""
        jobs = {
            "stream": self._orders_run,
            "leases": self._leases.survey_forever(),
            "renewals": self._leases.renew_forever(),
            "reads": self._read_forever(),
            "settling": self._handlers.settle_forever(),
            "untold": self._teller.tell_again_forever(),
            "positions": self._tell_positions_forever(),
        }
        self._tasks = [asyncio.create_task(job, name=name) for name, job in jobs.items()]
        try:
            yield
            await self._finish(grace_s)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            # Without Redis the leases end by themselves.
            with suppress(NotNow):
                await self._leases.release_all()
                await self._queue.goodbye()

    async def watch(self) -> None:
        """Ends, with what was wrong, when one of the tasks does; none should."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    def stop_reading(self) -> None:
        self._leases.stopping = True
        for line in self._lines:
            line.leaving = True
        self._lines.wake()

    async def _finish(self, grace_s: float) -> None:
        self.stop_reading()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while self._lines.in_flight:
                    await self._lines.changed()
        if left := self._lines.in_flight:
            log.warning("left_in_flight", orders=left)

    async def _read_forever(self) -> None:
        while True:
            events = self._lines.readable(now=asyncio.get_running_loop().time())
            if not events:
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await self._lines.changed()
                continue
            try:
                entries = await self._queue.read(events, count=READ_AT_ONCE, at_most=self._lines.room)
                if not entries:
                    await self._queue.wait()
                    continue
            except NotNow as error:
                log.warning("read_failed", error=str(error))
                # What was read without our knowing comes first.
                self._lines.reopen(events)
                await asyncio.sleep(AWAY_S)
                continue
            await self._handlers.entries_read(entries)
            await asyncio.sleep(self._linger_s)

    async def _tell_positions_forever(self) -> None:
        while True:
            await asyncio.sleep(POSITIONS_S)
            events = list(self._lines.moved)
            self._lines.moved.clear()
            try:
                await self._tell_positions(events)
            except Told as told:
                log.warning("positions_unsent", error=str(told))
                self._lines.moved |= {event_id for event_id in events if self._lines.find(event_id)}

    async def _tell_positions(self, events: list[str]) -> None:
        if not events:
            return
        last_numbers = await self._queue.last_numbers(events)
        for event_id, last_number in zip(events, last_numbers, strict=True):
            if line := self._lines.find(event_id):
                now_serving = line.served_without(())
                await self._buyers.tell_position(event_id, now_serving=now_serving, last_number=last_number)
