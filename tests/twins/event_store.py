"""Events and venues in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import datetime

from services.event.domain.event import Event, EventFact, Status
from services.event.domain.search import Position, Search, folded, search_words
from services.event.domain.venue import Venue


class MemoryEventStore:
    def __init__(self) -> None:
        self.state = MemoryCatalogue()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryCatalogue]:
        before = deepcopy(self.state)
        try:
            yield self.state
        except BaseException:
            self.state = before
            raise


class MemoryCatalogue:
    def __init__(self) -> None:
        self.announced: list[EventFact] = []
        self._events: dict[str, Event] = {}
        self._venues: dict[str, Venue] = {}

    async def find_event(self, event_id: str, *, lock: bool = False) -> Event | None:
        return self._events.get(event_id)

    async def save_event(self, event: Event) -> None:
        self._events[event.event_id] = event

    async def remove_event(self, event_id: str) -> None:
        self._events.pop(event_id, None)

    async def announce(self, facts: Sequence[EventFact]) -> None:
        self.announced += facts

    async def search(self, asked: Search, *, now: datetime, after: Position | None, limit: int) -> Sequence[Event]:
        found = [event for event in self._events.values() if all(_fits(event, asked, now))]
        rest = [event for event in found if after is None or _position(event) > after]
        return [replace(event, sections=(), tiers=()) for event in sorted(rest, key=_position)[:limit]]

    async def find_venue(self, venue_id: str) -> Venue | None:
        return self._venues.get(venue_id)

    async def add_venue(self, venue: Venue) -> None:
        self._venues[venue.venue_id] = venue

    async def venues(self, organiser_id: str, *, after_id: str, limit: int) -> Sequence[Venue]:
        mine = [venue for venue in self._venues.values() if venue.organiser_id == organiser_id]
        rest = [venue for venue in mine if venue.venue_id > after_id]
        return [venue.without_layout() for venue in sorted(rest, key=lambda venue: venue.venue_id)[:limit]]


def _position(event: Event) -> Position:
    return Position(event.starts_at, event.event_id)


def _fits(event: Event, asked: Search, now: datetime) -> Iterator[bool]:
    if asked.organiser_id:
        yield event.organiser_id == asked.organiser_id
    else:
        yield event.status is Status.PUBLISHED
        yield event.ends_at > now
    if city := folded(asked.city):
        yield folded(event.venue.city) == city
    if asked.starts_from is not None:
        yield event.starts_at >= asked.starts_from
    if asked.starts_before is not None:
        yield event.starts_at < asked.starts_before
    if asked.words:
        *whole, last = asked.words
        known = search_words(event)
        yield set(whole) <= set(known)
        yield any(word.startswith(last) for word in known)
