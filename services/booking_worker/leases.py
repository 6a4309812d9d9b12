"""Which events this worker works: takes what is free and its fair share, keeps it, gives it back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Final

import structlog

from services.booking_worker import metrics
from services.booking_worker.domain import Backlog, Line, fair_share
from services.booking_worker.handlers import WorkerHandlers
from services.booking_worker.lines import Lines
from services.booking_worker.ports import Orders, Queue
from services.kit.errors import NotNow
from services.kit.metrics import counted_rounds

SURVEY_S: Final = 0.5
# A line without orders is given back after this.
QUIET_S: Final = 30.0
# More than the fair share is given back when it has been too much for so many surveys.
PATIENCE: Final = 6
# Entries read by somebody who lost the lease meanwhile are found after so many leases' time.
STRAYS_AFTER: Final = 3.0
log = structlog.get_logger()

type Shuffle = Callable[[list[str]], None]


class Leases:
    def __init__(
        self,
        queue: Queue,
        lines: Lines,
        handlers: WorkerHandlers,
        orders: Orders,
        *,
        lease_s: float,
        at_most: int,
        shuffle: Shuffle,
    ) -> None:
        self._queue, self._lines, self._handlers, self._orders = queue, lines, handlers, orders
        self._lease_s, self._at_most, self._shuffle = lease_s, at_most, shuffle
        self._too_many = 0
        self._strays_at = 0.0
        self._arrived = False
        # Nothing new is taken: the process is about to stop.
        self.stopping = False

    async def survey_forever(self) -> None:
        while True:
            try:
                await self.survey()
            except NotNow as error:
                log.warning("survey_failed", error=str(error))
            await self._pause()

    async def _pause(self) -> None:
        """Until the next survey; a line that waits for an entry to leave waits no longer than that."""
        if all(line.opened for line in self._lines):
            await asyncio.sleep(SURVEY_S)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(SURVEY_S):
                await self._lines.changed()

    async def renew_forever(self) -> None:
        while True:
            try:
                await self.renew()
            except NotNow:
                self._give_up_expired()
            await asyncio.sleep(self._lease_s * 0.3)

    @counted_rounds("survey")
    async def survey(self) -> None:
        if not self._arrived:
            await self._queue.arrive()
            self._arrived = True
        backlogs = await self._queue.survey()
        _count(backlogs)
        workers = await self._queue.alive()
        busy = {backlog.event_id for backlog in backlogs}
        share = fair_share(len(busy | {line.event_id for line in self._lines}), workers, at_most=self._at_most)
        await self._give_back(busy, share)
        if not self.stopping:
            await self._take(busy, share)
            await self._open_taken()
            await self._find_strays()

    @counted_rounds("renew")
    async def renew(self) -> None:
        lines = list(self._lines)
        asked_at = _now()
        ours = set(await self._queue.renew([line.event_id for line in lines]))
        for line in lines:
            if line.event_id in ours:
                line.held_until = asked_at + self._lease_s
            else:
                self._lose(line)

    async def release_all(self) -> None:
        held = [line.event_id for line in self._lines]
        for event_id in held:
            self._orders.forget(self._lines.close(event_id))
        await self._queue.release(held)

    async def _take(self, busy: Collection[str], share: int) -> None:
        free = [event_id for event_id in busy if self._lines.find(event_id) is None]
        room = share - sum(not line.leaving for line in self._lines)
        if not free or room <= 0:
            return
        # Not all workers should want the same ones first.
        self._shuffle(free)
        asked_at = _now()
        for event_id in await self._queue.lease(free[:room]):
            line = Line(event_id, held_until=asked_at + self._lease_s)
            line.used = asked_at
            self._lines.open(line)

    async def _open_taken(self) -> None:
        """What was read before, by whoever had the line or by a call that failed here, comes before all that is new."""
        for line in self._lines:
            # Those that are worked alone leave before the next one comes.
            if line.opened or (line.in_flight and not line.taken_over):
                continue
            claimed = await self._queue.claim(line.event_id, taken_over=not line.taken_over)
            await self._handlers.entries_read(claimed.entries)
            if not claimed.more:
                line.opened = line.taken_over = True
                self._lines.wake()

    async def _find_strays(self) -> None:
        if _now() < self._strays_at:
            return
        self._strays_at = _now() + self._lease_s
        for line in self._lines:
            if line.opened and not line.leaving:
                strays = await self._queue.claim(line.event_id, idle_s=STRAYS_AFTER * self._lease_s)
                await self._handlers.entries_read(strays.entries)

    async def _give_back(self, busy: Collection[str], share: int) -> None:
        quiet_since = _now() - QUIET_S
        working = [line for line in self._lines if not line.leaving]
        for line in working:
            if line.event_id not in busy and not line.in_flight and line.used < quiet_since:
                line.leaving = True
        self._too_many = self._too_many + 1 if len(working) > share else 0
        if self._too_many >= PATIENCE:
            self._too_many = 0
            for line in working[share:]:
                line.leaving = True
        gone = [line.event_id for line in self._lines if line.leaving and not line.in_flight]
        for event_id in gone:
            self._lines.close(event_id)
        await self._queue.release(gone)

    def _give_up_expired(self) -> None:
        """Redis has not answered for as long as a lease lasts: somebody else may have the line by now."""
        for line in self._lines:
            if line.held_until < _now():
                self._lose(line)

    def _lose(self, line: Line) -> None:
        log.warning("lease_lost", event_id=line.event_id, in_flight=line.in_flight)
        self._orders.forget(self._lines.close(line.event_id))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _count(backlogs: Sequence[Backlog]) -> None:
    metrics.EVENTS.set(len(backlogs))
    metrics.DEPTH.set(sum(backlog.depth for backlog in backlogs))
    oldest_ms = min((backlog.oldest_ms for backlog in backlogs), default=0)
    metrics.OLDEST.set(max(0.0, time.time() - oldest_ms / 1000) if oldest_ms else 0)
