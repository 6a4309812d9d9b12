"""What a transaction decided, written for all its requests at once. Each statement is guarded and its rows counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from protos.gen import messages_pb2 as messages
from services.kit.database.outbox import Outbox
from services.ticket.domain.hold import Hold, Ticket
from services.ticket.domain.stock import At, Changes, Move, Shift
from services.ticket.facts import seats_changed, section_count
from services.ticket.ports import Raced
from services.ticket.repository.rows import as_json, hold_row, ticket_row
from services.ticket.tables import OUTBOX


class GuardFailed(Exception):
    """A row was not as it was under the lock: a bug, and everything is undone rather than a seat sold twice."""


# Rows come as one JSON document: the driver would look at every element of many arrays, and that is what costs here.
# The seats are named twice, so that the primary key finds them whatever PostgreSQL thinks of the join.
_MOVE: Final = text("""
    UPDATE seats
    SET state = :after, hold_key = CASE WHEN CAST(:after AS text) = 'f' THEN '' ELSE m.key END
    FROM json_to_recordset(CAST(CAST(:rows AS text) AS json)) AS m (seat_id text, key text)
    WHERE seats.event_id = :event_id AND seats.seat_id = ANY (CAST(:seat_ids AS text[])) AND seats.seat_id = m.seat_id
        AND seats.state = :before AND seats.hold_key = CASE WHEN CAST(:before AS text) = 'f' THEN '' ELSE m.key END
""")
_SHIFT: Final = text("""
    UPDATE sections SET held = sections.held + m.held, sold = sections.sold + m.sold
    FROM json_to_recordset(CAST(CAST(:rows AS text) AS json))
        AS m (event_id text, section_id text, held integer, sold integer)
    WHERE sections.event_id = m.event_id AND sections.section_id = m.section_id
    RETURNING sections.event_id, sections.section_id, sections.capacity, sections.held, sections.sold
""")
_ADD_HOLDS: Final = text("""
    INSERT INTO holds (key, event_id, user_id, fingerprint, places, currency, state, expires_at)
    SELECT m.key, m.event_id, m.user_id, m.fingerprint, m.places, m.currency, m.state, m.expires_at
    FROM json_to_recordset(CAST(CAST(:rows AS text) AS json)) AS m (
        key text, event_id text, user_id text, fingerprint text, places jsonb, currency text, state text,
        expires_at timestamptz
    )
    ON CONFLICT (key) DO NOTHING
""")
_CHANGE_HOLDS: Final = text("""
    UPDATE holds SET state = m.after, expires_at = m.expires_at
    FROM json_to_recordset(CAST(CAST(:rows AS text) AS json))
        AS m (key text, before text, after text, expires_at timestamptz)
    WHERE holds.key = m.key AND holds.state = m.before
""")
_ADD_TICKETS: Final = text("""
    INSERT INTO tickets (hold_key, ordinal, ticket_id, event_id, section_id, seat_id, booking_id)
    SELECT m.hold_key, m.ordinal, m.ticket_id, m.event_id, m.section_id, m.seat_id, m.booking_id
    FROM json_to_recordset(CAST(CAST(:rows AS text) AS json)) AS m (
        hold_key text, ordinal integer, ticket_id text, event_id text, section_id text, seat_id text, booking_id text
    )
""")
_VOID_TICKETS: Final = text("UPDATE tickets SET void = true WHERE hold_key = ANY (CAST(:keys AS text[]))")
_NEXT_VERSIONS: Final = text("""
    UPDATE events SET version = version + 1 WHERE event_id = ANY (CAST(:event_ids AS text[]))
    RETURNING event_id, version
""")


async def write_changes(tx: AsyncConnection, changes: Changes) -> None:
    """See Inventory.write. The events must be locked by this transaction."""
    await _add_holds(tx, list(changes.new.values()))
    await _change_holds(tx, list(changes.changed.values()))
    await _move_seats(tx, changes.moves)
    counts = await _shift_sections(tx, changes.shifts)
    await _add_tickets(tx, changes.issued)
    if changes.void:
        await tx.execute(_VOID_TICKETS, {"keys": changes.void})
    await _publish(tx, changes.moves, counts)


async def _add_holds(tx: AsyncConnection, holds: Sequence[Hold]) -> None:
    if holds:
        added = await tx.execute(_ADD_HOLDS, {"rows": as_json([hold_row(hold) for hold in holds])})
        if added.rowcount != len(holds):
            raise Raced


async def _change_holds(tx: AsyncConnection, changed: Sequence[tuple[Hold, Hold]]) -> None:
    if changed:
        rows = [
            {"key": after.key, "before": before.state, "after": after.state, "expires_at": after.expires_at}
            for before, after in changed
        ]
        await _execute_counted(tx, _CHANGE_HOLDS, {"rows": as_json(rows)}, rows=len(rows))


async def _move_seats(tx: AsyncConnection, moves: Sequence[Move]) -> None:
    alike: dict[tuple[str, str, str], list[Move]] = defaultdict(list)
    for move in moves:
        alike[move.event_id, move.before, move.after].append(move)
    for (event_id, before, after), group in alike.items():
        rows = as_json([{"seat_id": move.seat_id, "key": move.key} for move in group])
        seat_ids = [move.seat_id for move in group]
        values = {"event_id": event_id, "before": before, "after": after, "seat_ids": seat_ids, "rows": rows}
        await _execute_counted(tx, _MOVE, values, rows=len(group))


async def _shift_sections(tx: AsyncConnection, shifts: Mapping[At, Shift]) -> Mapping[str, list[messages.SectionCount]]:
    """The counts of every section that changed, after the change, by event."""
    counts: dict[str, list[messages.SectionCount]] = defaultdict(list)
    if not shifts:
        return counts
    shifted = [
        {"event_id": event_id, "section_id": section_id, "held": shift.held, "sold": shift.sold}
        for (event_id, section_id), shift in shifts.items()
    ]
    rows = (await tx.execute(_SHIFT, {"rows": as_json(shifted)})).all()
    if len(rows) != len(shifts):
        raise GuardFailed(f"{len(rows)} of {len(shifts)} sections")
    for row in rows:
        count = section_count(row.section_id, capacity=row.capacity, held=row.held, sold=row.sold)
        counts[row.event_id].append(count)
    return counts


async def _add_tickets(tx: AsyncConnection, tickets: Sequence[Ticket]) -> None:
    if tickets:
        await tx.execute(_ADD_TICKETS, {"rows": as_json([ticket_row(ticket) for ticket in tickets])})


async def _publish(
    tx: AsyncConnection, moves: Sequence[Move], counts: Mapping[str, Sequence[messages.SectionCount]]
) -> None:
    """One version and one fact an event. Its row is locked since the beginning, so versions and facts are in order."""
    if not counts:
        return
    moved: dict[str, list[Move]] = defaultdict(list)
    for move in moves:
        moved[move.event_id].append(move)
    versions = (await tx.execute(_NEXT_VERSIONS, {"event_ids": list(counts)})).all()
    facts = [seats_changed(event_id, version, moved[event_id], counts[event_id]) for event_id, version in versions]
    await Outbox(OUTBOX, tx).add(facts)


async def _execute_counted(
    tx: AsyncConnection, statement: TextClause, values: Mapping[str, object], *, rows: int
) -> None:
    changed = (await tx.execute(statement, dict(values))).rowcount
    if changed != rows:
        raise GuardFailed(f"{changed} of {rows} rows changed")
