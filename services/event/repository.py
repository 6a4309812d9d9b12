"""Events and venues in PostgreSQL: what is searched has columns, layouts and prices are JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, RowMapping, cast, delete, select, tuple_
from sqlalchemy.dialects.postgresql import TSQUERY, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.event.domain.event import Event, EventFact, Status
from services.event.domain.search import Position, Search, folded, search_words
from services.event.domain.venue import Venue
from services.event.facts import outgoing
from services.event.tables import EVENTS, OUTBOX, VENUES
from services.kit.database.engine import transaction
from services.kit.database.outbox import Outbox

# The search's own columns are not fields of an Event; a list also leaves out what may be large.
_EVENT_COLUMNS: Final = [EVENTS.c[name] for name in Event.__dataclass_fields__]
_LISTED_COLUMNS: Final = [column for column in _EVENT_COLUMNS if column.name not in {"sections", "tiers"}]
_LISTED_VENUE: Final = [column for column in VENUES.c if column.name != "sections"]


class PostgresStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresCatalogue]:
        async with transaction(self._engine) as tx:
            yield PostgresCatalogue(tx)


class PostgresCatalogue:
    def __init__(self, tx: AsyncConnection) -> None:
        self._tx = tx

    async def find_event(self, event_id: str, *, lock: bool = False) -> Event | None:
        query = select(*_EVENT_COLUMNS).where(EVENTS.c.event_id == event_id)
        row = (await self._tx.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
        return _event(row) if row else None

    async def save_event(self, event: Event) -> None:
        row = _event_row(event)
        saved = insert(EVENTS).values(row)
        await self._tx.execute(saved.on_conflict_do_update(index_elements=["event_id"], set_=row))

    async def remove_event(self, event_id: str) -> None:
        await self._tx.execute(delete(EVENTS).where(EVENTS.c.event_id == event_id))

    async def announce(self, facts: Sequence[EventFact]) -> None:
        await Outbox(OUTBOX, self._tx).add([outgoing(fact) for fact in facts])

    async def search(self, asked: Search, *, now: datetime, after: Position | None, limit: int) -> Sequence[Event]:
        c = EVENTS.c
        fits = [*_fits(asked, now)]
        if after is not None:
            fits.append(tuple_(c.starts_at, c.event_id) > tuple_(after.starts_at, after.event_id))
        query = select(*_LISTED_COLUMNS).where(*fits).order_by(c.starts_at, c.event_id).limit(limit)
        return [_event(row) for row in (await self._tx.execute(query)).mappings()]

    async def find_venue(self, venue_id: str) -> Venue | None:
        query = select(VENUES).where(VENUES.c.venue_id == venue_id)
        row = (await self._tx.execute(query)).mappings().one_or_none()
        return _venue(row) if row else None

    async def add_venue(self, venue: Venue) -> None:
        await self._tx.execute(insert(VENUES).values(msgspec.to_builtins(venue)))

    async def venues(self, organiser_id: str, *, after_id: str, limit: int) -> Sequence[Venue]:
        c = VENUES.c
        mine = select(*_LISTED_VENUE).where(c.organiser_id == organiser_id, c.venue_id > after_id)
        rows = await self._tx.execute(mine.order_by(c.venue_id).limit(limit))
        return [_venue(row) for row in rows.mappings()]


def _fits(asked: Search, now: datetime) -> Sequence[ColumnElement[bool]]:
    c = EVENTS.c
    if asked.organiser_id:
        fits = [c.organiser_id == asked.organiser_id]
    else:
        fits = [c.status == Status.PUBLISHED.value, c.ends_at > now]
    if city := folded(asked.city):
        fits.append(c.city_folded == city)
    if asked.starts_from is not None:
        fits.append(c.starts_at >= asked.starts_from)
    if asked.starts_before is not None:
        fits.append(c.starts_at < asked.starts_before)
    if asked.words:
        fits.append(c.search.bool_op("@@")(cast(_query(asked.words), TSQUERY)))
    return fits


def _query(words: Sequence[str]) -> str:
    """All words, the last as a prefix. Words are letters and digits only, so nothing in the quotes can end them."""
    return " & ".join(f"'{word}'" for word in words) + ":*"


def _event(row: RowMapping) -> Event:
    return msgspec.convert({"sections": (), "tiers": ()} | _fields(row), Event)


def _venue(row: RowMapping) -> Venue:
    return msgspec.convert(_fields(row), Venue)


def _fields(row: RowMapping) -> dict[str, object]:
    # SQLAlchemy's names are a subclass of str, which msgspec does not take for a key.
    return {str(name): value for name, value in row.items()}


def _event_row(event: Event) -> Mapping[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(event, builtin_types=(datetime,))
    return fields | {"city_folded": folded(event.venue.city), "words": list(search_words(event))}
