"""Looks whether the inventory contradicts itself, all the time and when asked; repairs what is safe to repair.

Safe are two things: a hold whose time is over is expired in the way the sweep expires it, and tickets of a hold that
was given back are made void, for nothing can ever make that hold live again. All else is told and left as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from services.kit.clock import Clock
from services.kit.errors import NotNow
from services.kit.invariants import MAX_REPAIRS, Gauges, Memory, Report, Violation, grace_of
from services.ticket.domain.watched import HOLDS_OVERDUE, PROMISES, TICKETS_OFF_SALE
from services.ticket.handlers import TicketHandlers
from services.ticket.ports import Books

# The sweep comes every second or so; one that is late by this has a reason.
GRACE: Final = timedelta(seconds=30)
EVENTS_AT_ONCE: Final = 100
OVERDUE_AT_ONCE: Final = 100
# Rounds after which an event is looked at also when nothing of it has changed.
FULL_EVERY: Final = 10
GAUGES: Final = Gauges(PROMISES)
log = structlog.get_logger()


class InventoryWatch:
    def __init__(self, books: Books, handlers: TicketHandlers, now: Clock) -> None:
        self._books, self._handlers, self._now = books, handlers, now
        self._memory = Memory(now)
        # Version at which an event was found in order.
        self._in_order: dict[str, int] = {}

    async def look(self, *, grace_s: int = 0) -> Report:
        """At every event, as they are now. Changes nothing."""
        events = await self._events()
        violations = [one for event_id in events for one in await self._books.contradictions(event_id)]
        violations += await self._books.overdue(grace=grace_of(grace_s, GRACE), limit=OVERDUE_AT_ONCE)
        return Report(
            promises=PROMISES,
            violations=violations,
            looked_at=dict.fromkeys(PROMISES, len(events)),
            repairs=await self._books.repairs(MAX_REPAIRS),
        )

    async def run(self, *, every_s: float) -> None:
        """For as long as the process lives. Events of which nothing changed are looked at now and then only."""
        turn = 0
        while True:
            try:
                await self.round(full=turn % FULL_EVERY == 0)
                turn += 1
            except NotNow as away:
                log.warning("watch_waits", error=str(away))
            except Exception:
                log.exception("watch_failed")
            await asyncio.sleep(every_s)

    async def round(self, *, full: bool = True) -> Sequence[Violation]:
        """Look, repair what is safe, and tell what is left."""
        left: list[Violation] = []
        for event_id, version in (await self._events()).items():
            if full or self._in_order.get(event_id) != version:
                found = await self._event(event_id)
                left += found
                if found:
                    self._in_order.pop(event_id, None)
                else:
                    self._in_order[event_id] = version
        left += await self._free_overdue()
        violations = self._memory.dated(left)
        GAUGES.tell(violations, now=self._now())
        for one in violations:
            log.error("invariant_violated", invariant=one.invariant, subject=one.subject, what=one.what)
        return violations

    async def _event(self, event_id: str) -> Sequence[Violation]:
        found = await self._books.contradictions(event_id)
        if all(one.invariant != TICKETS_OFF_SALE for one in found):
            return found
        voided = await self._books.void_tickets_of_released(event_id)
        log.warning("tickets_voided", event_id=event_id, tickets=voided)
        return await self._books.contradictions(event_id)

    async def _free_overdue(self) -> Sequence[Violation]:
        overdue = await self._books.overdue(grace=GRACE, limit=OVERDUE_AT_ONCE)
        if not overdue:
            return overdue
        receipts = await self._books.begin_repairs(overdue)
        await self._handlers.expire_holds()
        left = await self._books.overdue(grace=GRACE, limit=OVERDUE_AT_ONCE)
        freed = receipts.keys() - {one.subject for one in left}
        await self._books.end_repairs([receipts[subject] for subject in freed], done="expired; its places are free")
        log.warning("holds_freed_late", holds=len(freed), invariant=HOLDS_OVERDUE)
        return left

    async def _events(self) -> dict[str, int]:
        """Every event and its version, in pages."""
        events: dict[str, int] = {}
        while page := await self._books.events(after=max(events, default=""), limit=EVENTS_AT_ONCE):
            events |= page
        return events
