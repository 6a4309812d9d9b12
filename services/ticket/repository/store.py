"""The store of places: transactions that change them, and reads that wait for nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.database.engine import transaction
from services.ticket.domain.availability import Places, RowStates, SectionPlaces, Snapshot
from services.ticket.domain.event import Event
from services.ticket.repository.inventory import PostgresInventory, contention
from services.ticket.repository.layouts import Events
from services.ticket.tables import EVENTS

# One statement sees one moment: the version and the places belong together.
_SNAPSHOT: Final = text("""
    SELECT e.version, s.section_id, s.held, s.sold, r.labels, r.states
    FROM events e
    JOIN sections s ON s.event_id = e.event_id
    LEFT JOIN (
        SELECT section_id, array_agg(row_label ORDER BY row_no) AS labels, array_agg(states ORDER BY row_no) AS states
        FROM (
            SELECT section_id, row_no, row_label, string_agg(state, '' ORDER BY number) AS states
            FROM seats WHERE event_id = :event_id GROUP BY section_id, row_no, row_label
        ) AS one_row
        GROUP BY section_id
    ) AS r ON r.section_id = s.section_id
    WHERE e.event_id = :event_id
""")
_DUE: Final = text("SELECT key FROM holds WHERE expires_at < now() ORDER BY expires_at LIMIT CAST(:limit AS integer)")
_PLACES: Final = text("""
    SELECT coalesce(sum(s.capacity), 0) AS capacity, coalesce(sum(s.held), 0) AS held, coalesce(sum(s.sold), 0) AS sold
    FROM sections s JOIN events e ON e.event_id = s.event_id WHERE NOT e.cancelled
""")


class PostgresStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine, self._events = engine, Events()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresInventory]:
        with contention():
            async with transaction(self._engine) as tx:
                yield PostgresInventory(tx, self._events)

    async def event(self, event_id: str) -> Event | None:
        async with transaction(self._engine) as tx:
            return (await self._events.get(tx, [event_id])).get(event_id)

    async def version(self, event_id: str) -> int:
        async with transaction(self._engine) as tx:
            found = await tx.scalar(select(EVENTS.c.version).where(EVENTS.c.event_id == event_id))
        return int(found or 0)

    async def snapshot(self, event_id: str) -> Snapshot | None:
        async with transaction(self._engine) as tx:
            event = (await self._events.get(tx, [event_id])).get(event_id)
            rows = (await tx.execute(_SNAPSHOT, {"event_id": event_id})).all()
        if event is None or not rows:
            return None
        places = {
            row.section_id: SectionPlaces(row.held, row.sold, tuple(map(RowStates, row.labels or (), row.states or ())))
            for row in rows
        }
        return Snapshot(event, rows[0].version, places)

    async def due(self, limit: int) -> Sequence[str]:
        async with transaction(self._engine) as tx:
            return list((await tx.execute(_DUE, {"limit": limit})).scalars())

    async def places(self) -> Places:
        async with transaction(self._engine) as tx:
            row = (await tx.execute(_PLACES)).one()
        return Places(free=row.capacity - row.held - row.sold, held=row.held, sold=row.sold)
