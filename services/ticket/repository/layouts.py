"""Events as their rows: loading one with all its seats, and reading it back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec
from sqlalchemy import RowMapping, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ticket.domain.event import Event, Layout, Section, Tier
from services.ticket.tables import EVENTS

# Events change nothing but `cancelled` and `version`, which are not kept here.
REMEMBERED: Final = 64
_EVENT: Final = [EVENTS.c[name] for name in ("event_id", "sections", "tiers", "max_per_booking", "sale_starts_at")]

_ADD_SECTIONS: Final = text("""
    INSERT INTO sections (event_id, section_id, capacity)
    SELECT :event_id, s.section_id, s.capacity
    FROM unnest(CAST(:section_ids AS text[]), CAST(:capacities AS integer[])) AS s (section_id, capacity)
""")
_ADD_SEATS: Final = text("""
    INSERT INTO seats (event_id, seat_id, section_id, row_no, row_label, number)
    SELECT :event_id, r.section_id || '-' || r.label || '-' || number, r.section_id, r.row_no, r.label, number
    FROM unnest(
        CAST(:section_ids AS text[]), CAST(:row_nos AS integer[]), CAST(:labels AS text[]), CAST(:counts AS integer[])
    ) AS r (section_id, row_no, label, seats), generate_series(1, r.seats) AS number
""")


async def add_layout(tx: AsyncConnection, layout: Layout) -> None:
    """The event with all its places free, unless it is there already."""
    event = layout.event
    row = {
        "event_id": event.event_id,
        "sections": msgspec.to_builtins(list(event.sections.values())),
        "tiers": msgspec.to_builtins(event.tiers),
        "max_per_booking": event.max_per_booking,
        "sale_starts_at": event.sale_starts_at,
        "cancelled": False,
        "version": 1,
    }
    added = await tx.execute(insert(EVENTS).values(row).on_conflict_do_nothing().returning(EVENTS.c.event_id))
    if added.one_or_none() is None:
        return
    sections = event.sections.values()
    await tx.execute(
        _ADD_SECTIONS,
        {
            "event_id": event.event_id,
            "section_ids": [section.section_id for section in sections],
            "capacities": [section.capacity for section in sections],
        },
    )
    await tx.execute(_ADD_SEATS, _seat_rows(layout))
    # Without statistics PostgreSQL believes that an event has few seats, and reads them all to find one. The first
    # buyers come before autovacuum does.
    await tx.execute(text("ANALYZE seats"))


async def cancel(tx: AsyncConnection, event_ids: Collection[str]) -> None:
    """One that is not there leaves a row without places, which no layout takes the place of."""
    empty = {"sections": [], "tiers": [], "max_per_booking": 0, "sale_starts_at": None, "cancelled": True, "version": 1}
    added = insert(EVENTS).values([{"event_id": event_id} | empty for event_id in sorted(event_ids)])
    await tx.execute(added.on_conflict_do_update(index_elements=["event_id"], set_={"cancelled": True}))


def _seat_rows(layout: Layout) -> dict[str, object]:
    rows = [
        (section_id, row_no, row.label, row.seat_count)
        for section_id, section_rows in layout.rows.items()
        for row_no, row in enumerate(section_rows)
    ]
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    names = ("section_ids", "row_nos", "labels", "counts")
    return {"event_id": layout.event.event_id} | {
        name: list(column) for name, column in zip(names, columns, strict=True)
    }


class Events:
    """Events by id, remembered for all transactions of the process."""

    def __init__(self) -> None:
        self._known: dict[str, Event] = {}

    async def get(self, tx: AsyncConnection, event_ids: Sequence[str]) -> Mapping[str, Event]:
        """Those that were loaded."""
        if missing := [event_id for event_id in event_ids if event_id not in self._known]:
            rows = await tx.execute(select(*_EVENT).where(EVENTS.c.event_id.in_(missing)))
            found = {event.event_id: event for event in map(_event, rows.mappings())}
        else:
            found = {}
        events = {event_id: self._known.get(event_id) or found.get(event_id) for event_id in event_ids}
        self._known |= found
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return {event_id: event for event_id, event in events.items() if event is not None}


def _event(row: RowMapping) -> Event:
    tiers = msgspec.convert(row["tiers"], tuple[Tier, ...])
    # One price object a tier, however many places have it.
    prices = {tier.tier_id: tier.price for tier in tiers}
    sections = msgspec.convert(row["sections"], list[Section])
    return Event(
        event_id=row["event_id"],
        sections={one.section_id: replace(one, price=prices[one.tier_id]) for one in sections},
        tiers=tiers,
        max_per_booking=row["max_per_booking"],
        sale_starts_at=row["sale_starts_at"],
    )
