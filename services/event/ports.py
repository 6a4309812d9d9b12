"""What the handlers need of a store."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from services.event.domain.event import Event, EventFact
from services.event.domain.search import Position, Search
from services.event.domain.venue import Venue


class Catalogue(Protocol):
    """Events and venues within one transaction."""

    async def find_event(self, event_id: str, *, lock: bool = False) -> Event | None:
        """The event; with `lock`, nobody else changes it before the transaction ends."""

    async def save_event(self, event: Event) -> None:
        """Add it, or replace the one with its id."""

    async def remove_event(self, event_id: str) -> None:
        """Idempotent."""

    async def announce(self, facts: Sequence[EventFact]) -> None:
        """Publish these, in this order per event, if and only if the transaction commits."""

    async def search(self, asked: Search, *, now: datetime, after: Position | None, limit: int) -> Sequence[Event]:
        """The first `limit` that fit, in order of their positions, those after that one only. Sections and tiers are
        left out. All words of the text must be found, in any order; of the last one the beginning is enough."""

    async def find_venue(self, venue_id: str) -> Venue | None: ...

    async def add_venue(self, venue: Venue) -> None:
        """Keep a new one."""

    async def venues(self, organiser_id: str, *, after_id: str, limit: int) -> Sequence[Venue]:
        """This organiser's, oldest first, those after that id only. Sections are left out."""


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Catalogue]:
        """Committed at the end of the block, undone by an exception in it."""
