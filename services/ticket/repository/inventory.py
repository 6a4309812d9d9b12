"""Events, places and holds within one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database.inbox import Inbox
from services.kit.errors import Overloaded
from services.ticket.domain.event import Layout, Locked, OnSale
from services.ticket.domain.hold import Hold, HoldState, Ticket
from services.ticket.domain.runs import Run, Runs
from services.ticket.domain.stock import Asked, At, Changes, Stock
from services.ticket.ports import Raced
from services.ticket.repository.layouts import Events, add_layout, cancel
from services.ticket.repository.rows import hold_of
from services.ticket.repository.writing import write_changes
from services.ticket.tables import INBOX, TICKETS

# lock_not_available, deadlock_detected: others keep what we need, and asking again may well succeed.
_CONTENDED: Final = {"55P03", "40P01"}

# One statement takes all locks, in one order. The clock is read above the locks, hence after they were waited for.
_LOCK: Final = text("""
    WITH locked AS MATERIALIZED (
        SELECT event_id, cancelled FROM events
        WHERE event_id = ANY (
            CAST(:event_ids AS text[])
            || ARRAY(SELECT h.event_id FROM holds h WHERE h.key = ANY (CAST(:keys AS text[])))
        )
        ORDER BY event_id FOR UPDATE
    )
    SELECT event_id, cancelled, clock_timestamp() AS now FROM locked
""")
_HOLDS: Final = text("""
    SELECT key, event_id, user_id, fingerprint, CAST(places AS text) AS places, currency, state, expires_at
    FROM holds WHERE key = ANY (CAST(:keys AS text[]))
""")
_SEATS: Final = text("""
    SELECT seat_id, state FROM seats WHERE event_id = :event_id AND seat_id = ANY (CAST(:seat_ids AS text[]))
""")
_STANDING: Final = text("""
    SELECT section_id, capacity - held - sold AS free FROM sections
    WHERE event_id = :event_id AND section_id = ANY (CAST(:section_ids AS text[]))
""")
# Neighbours have the same difference between their number and their position among the free seats.
_FRONT: Final = text("""
    SELECT row_label, min(number) AS first, count(*) AS count
    FROM (
        SELECT row_no, row_label, number, number - row_number() OVER (ORDER BY row_no, number) AS run
        FROM (
            SELECT row_no, row_label, number FROM seats
            WHERE event_id = :event_id AND section_id = :section_id AND state = 'f'
            ORDER BY row_no, number LIMIT CAST(:window AS integer)
        ) AS front
    ) AS numbered
    GROUP BY row_no, row_label, run ORDER BY row_no, first
""")


class PostgresInventory:
    def __init__(self, tx: AsyncConnection, events: Events) -> None:
        self._tx, self._events = tx, events
        self._locked: Locked | None = None

    async def lock(self, *, event_ids: Collection[str] = (), keys: Collection[str] = ()) -> Locked:
        asked = {"event_ids": sorted(event_ids), "keys": sorted(set(keys))}
        with contention():
            rows = (await self._tx.execute(_LOCK, asked)).all()
        events = await self._events.get(self._tx, [row.event_id for row in rows])
        now = rows[0].now if rows else await self._now()
        self._locked = Locked(now, {row.event_id: OnSale(events[row.event_id], row.cancelled) for row in rows})
        return self._locked

    async def holds(self, keys: Collection[str]) -> Mapping[str, Hold]:
        rows = await self._tx.execute(_HOLDS, {"keys": sorted(set(keys))})
        holds = {row.key: hold_of(row) for row in rows}
        locked = self._locked.events if self._locked else {}
        if any(hold.state is not HoldState.RELEASED and hold.event_id not in locked for hold in holds.values()):
            raise Raced
        return holds

    async def tickets(self, holds: Mapping[str, Hold]) -> Mapping[str, Sequence[Ticket]]:
        sold = [key for key, hold in holds.items() if hold.state is HoldState.SOLD]
        tickets: dict[str, list[Ticket]] = defaultdict(list)
        if sold:
            c = TICKETS.c
            mine = select(c.hold_key, c.ordinal, c.ticket_id, c.booking_id).where(c.hold_key.in_(sold))
            for row in await self._tx.execute(mine.order_by(c.hold_key, c.ordinal)):
                hold = holds[row.hold_key]
                place = hold.places[row.ordinal]
                tickets[hold.key].append(
                    Ticket(row.ticket_id, hold.key, row.ordinal, hold.event_id, row.booking_id, place)
                )
        return tickets

    async def stock(self, asked: Asked) -> Stock:
        seats: dict[At, str] = {}
        for event_id, seat_ids in _by_event(asked.seats).items():
            for seat_id, state in await self._tx.execute(_SEATS, {"event_id": event_id, "seat_ids": seat_ids}):
                seats[event_id, seat_id] = state
        standing: dict[At, int] = {}
        for event_id, section_ids in _by_event(asked.standing).items():
            places = {"event_id": event_id, "section_ids": section_ids}
            for section_id, free in await self._tx.execute(_STANDING, places):
                standing[event_id, section_id] = free
        return Stock(seats, standing, {at: await self._front(at, window) for at, window in asked.front.items()})

    async def _front(self, at: At, window: int) -> Runs:
        event_id, section_id = at
        asked = {"event_id": event_id, "section_id": section_id, "window": window}
        runs = [Run(*row) for row in await self._tx.execute(_FRONT, asked)]
        return Runs(runs, more=sum(run.count for run in runs) == window)

    async def write(self, changes: Changes) -> None:
        if changes:
            await write_changes(self._tx, changes)

    async def add_events(self, layouts: Sequence[Layout]) -> None:
        for layout in layouts:
            await add_layout(self._tx, layout)

    async def cancel_events(self, event_ids: Collection[str]) -> None:
        if event_ids:
            await cancel(self._tx, event_ids)

    async def first_time(self, fact_ids: Collection[str]) -> set[str]:
        return await Inbox(INBOX, self._tx).first_time(fact_ids)

    async def _now(self) -> datetime:
        now: datetime = (await self._tx.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return now


@contextmanager
def contention() -> Iterator[None]:
    """Waiting for a lock too long is nobody's fault: the caller is to ask again."""
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _CONTENDED:
            raise Overloaded("the seats of an event") from error
        raise


def _by_event(places: Collection[At]) -> Mapping[str, list[str]]:
    by_event: dict[str, list[str]] = defaultdict(list)
    for event_id, name in places:
        by_event[event_id].append(name)
    return by_event
