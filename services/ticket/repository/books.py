"""The inventory looked at as a whole: whether it contradicts itself, and which holds have places.

Every look is one statement and so sees one moment, in which no reservation is half done: nothing here needs a grace
but the sweep of holds that are over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit.database.engine import transaction
from services.kit.database.receipts import Receipts
from services.kit.invariants import Repair, Violation
from services.ticket.domain.watched import HOLDS_OVERDUE, TICKETS_OFF_SALE, Standing

_EVENTS: Final = text("""
    SELECT event_id, version FROM events WHERE event_id > :after ORDER BY event_id LIMIT CAST(:limit AS integer)
""")
# `live`: a row for each place that somebody has, by the holds; the seats, counters and tickets are compared with it.
_CONTRADICTIONS: Final = text("""
    WITH live AS MATERIALIZED (
        SELECT h.key, h.state, place ->> 0 AS seat_id, place ->> 1 AS section_id
        FROM holds h CROSS JOIN LATERAL jsonb_array_elements(h.places) AS place
        WHERE h.event_id = :event_id AND h.state IN ('held', 'sold')
    ), counted AS MATERIALIZED (
        SELECT section_id,
            count(*) FILTER (WHERE state = 'held') AS held, count(*) FILTER (WHERE state = 'sold') AS sold
        FROM live GROUP BY section_id
    )
    SELECT 'seats_oversold' AS invariant, s.section_id AS subject,
        format('%s held and %s sold of %s', coalesce(c.held, 0), coalesce(c.sold, 0), s.capacity) AS what
    FROM sections s LEFT JOIN counted c USING (section_id)
    WHERE s.event_id = :event_id
        AND (coalesce(c.held + c.sold, 0) > s.capacity OR s.held + s.sold > s.capacity)
    UNION ALL
    SELECT 'seat_counts_drifted', s.section_id,
        format('counted %s held and %s sold, noted %s and %s', coalesce(c.held, 0), coalesce(c.sold, 0), s.held, s.sold)
    FROM sections s LEFT JOIN counted c USING (section_id)
    WHERE s.event_id = :event_id AND (s.held <> coalesce(c.held, 0) OR s.sold <> coalesce(c.sold, 0))
    UNION ALL
    SELECT 'seats_without_one_owner', seat_id, format('has %s owners: %s', count(*), string_agg(key, ' ' ORDER BY key))
    FROM live WHERE seat_id <> '' GROUP BY seat_id HAVING count(*) > 1
    UNION ALL
    SELECT 'seats_without_one_owner', coalesce(s.seat_id, l.seat_id),
        CASE WHEN s.seat_id IS NULL THEN format('is not marked as taken by %s, who has it', l.key)
             WHEN l.key IS NULL THEN format('is marked as taken by %s, who has it not', s.hold_key)
             ELSE format('is marked %s, but %s by %s', s.state, l.state, l.key) END
    FROM (SELECT seat_id, state, hold_key FROM seats WHERE event_id = :event_id AND state <> 'f') AS s
    FULL JOIN (SELECT key, state, seat_id FROM live WHERE seat_id <> '') AS l
        ON l.seat_id = s.seat_id AND l.key = s.hold_key
    WHERE s.seat_id IS NULL OR l.key IS NULL OR s.state <> left(l.state, 1)
    UNION ALL
    SELECT 'tickets_off_sale', h.key, format('%s valid tickets of a hold that is %s', count(*), h.state)
    FROM holds h JOIN tickets t ON t.hold_key = h.key
    WHERE h.event_id = :event_id AND h.state <> 'sold' AND NOT t.void GROUP BY h.key, h.state
    UNION ALL
    SELECT 'tickets_off_sale', h.key,
        format('%s valid tickets for %s sold places', t.valid, jsonb_array_length(h.places))
    FROM holds h CROSS JOIN LATERAL (
        SELECT count(*) AS valid FROM tickets t WHERE t.hold_key = h.key AND NOT t.void
    ) AS t
    WHERE h.event_id = :event_id AND h.state = 'sold' AND t.valid <> jsonb_array_length(h.places)
    LIMIT 500
""")
_OVERDUE: Final = text("""
    SELECT key, expires_at FROM holds WHERE expires_at < now() - CAST(:grace AS interval)
    ORDER BY expires_at LIMIT CAST(:limit AS integer)
""")
_VOID: Final = text("""
    UPDATE tickets t SET void = true FROM holds h
    WHERE h.event_id = :event_id AND h.state = 'released' AND t.hold_key = h.key AND NOT t.void
    RETURNING t.hold_key, t.ticket_id
""")
_STANDING: Final = """
    SELECT h.key, h.event_id, h.state = 'sold' AS sold, jsonb_array_length(h.places) AS places, h.made_at,
        (SELECT count(*) FROM tickets t WHERE t.hold_key = h.key AND NOT t.void) AS tickets
    FROM holds h WHERE h.state IN ('held', 'sold')
"""
# `~` sorts after all that stands in a key. LATERAL with OFFSET 0, for else the planner compares every hold there is
# with every prefix: it does not know how few keys begin alike.
_BY_PREFIX: Final = text(f"""
    SELECT s.* FROM unnest(CAST(:prefixes AS text[])) AS p (prefix) CROSS JOIN LATERAL (
        {_STANDING} AND h.key >= p.prefix COLLATE "C" AND h.key < (p.prefix || '~') COLLATE "C" OFFSET 0
    ) AS s ORDER BY s.key
""")  # noqa: S608 - our own words
_IN_RANGE: Final = text(f"""
    {_STANDING} AND h.key > :after AND h.key <= :until ORDER BY h.key LIMIT CAST(:limit AS integer)
""")


class PostgresBooks:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def events(self, *, after: str, limit: int) -> Mapping[str, int]:
        async with transaction(self._engine) as tx:
            rows = await tx.execute(_EVENTS, {"after": after, "limit": limit})
            return {row.event_id: row.version for row in rows}

    async def contradictions(self, event_id: str) -> Sequence[Violation]:
        async with transaction(self._engine) as tx:
            rows = (await tx.execute(_CONTRADICTIONS, {"event_id": event_id})).all()
        # A hold's key names its booking; a section or seat needs its event.
        return [
            Violation(
                invariant=row.invariant,
                subject=row.subject if row.invariant == TICKETS_OFF_SALE else f"{event_id}/{row.subject}",
                what=row.what,
            )
            for row in rows
        ]

    async def overdue(self, *, grace: timedelta, limit: int) -> Sequence[Violation]:
        async with transaction(self._engine) as tx:
            rows = (await tx.execute(_OVERDUE, {"grace": grace, "limit": limit})).all()
        what = "held although its time is over"
        return [Violation(invariant=HOLDS_OVERDUE, subject=row.key, what=what, since=row.expires_at) for row in rows]

    async def void_tickets_of_released(self, event_id: str) -> int:
        """Tickets of holds that were given back, and stay so for ever, are no tickets; how many were. With receipts."""
        async with transaction(self._engine) as tx:
            voided: dict[str, list[str]] = {}
            for row in await tx.execute(_VOID, {"event_id": event_id}):
                voided.setdefault(row.hold_key, []).append(row.ticket_id)
            receipts = Receipts(tx)
            for key, tickets in voided.items():
                found = f"{len(tickets)} valid tickets of a hold that was given back"
                receipt = await receipts.begin(rule=TICKETS_OFF_SALE, subject=key, found=found)
                await receipts.end(receipt, done=f"made void: {' '.join(sorted(tickets))}")
        return sum(map(len, voided.values()))

    async def begin_repairs(self, found: Sequence[Violation]) -> Mapping[str, int]:
        """Receipts by subject."""
        async with transaction(self._engine) as tx:
            return {
                one.subject: await Receipts(tx).begin(rule=one.invariant, subject=one.subject, found=one.what)
                for one in found
            }

    async def end_repairs(self, receipts: Collection[int], *, done: str) -> None:
        async with transaction(self._engine) as tx:
            for receipt in receipts:
                await Receipts(tx).end(receipt, done=done)

    async def repairs(self, limit: int) -> Sequence[Repair]:
        async with transaction(self._engine) as tx:
            return await Receipts(tx).recent(limit)

    async def by_prefix(self, prefixes: Collection[str]) -> Sequence[Standing]:
        async with transaction(self._engine) as tx:
            return await _standings(tx, _BY_PREFIX.bindparams(prefixes=sorted(set(prefixes))))

    async def in_range(self, *, after: str, until: str, limit: int) -> Sequence[Standing]:
        async with transaction(self._engine) as tx:
            return await _standings(tx, _IN_RANGE.bindparams(after=after, until=until, limit=limit))


async def _standings(tx: AsyncConnection, statement: Any) -> Sequence[Standing]:
    return [_standing(row) for row in await tx.execute(statement)]


def _standing(row: Row[Any]) -> Standing:
    return Standing(
        key=row.key,
        event_id=row.event_id,
        sold=row.sold,
        places=row.places,
        tickets=row.tickets,
        made_at=row.made_at,
    )
