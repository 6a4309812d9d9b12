"""Availability for a crowd: a thousand that ask at once are one read, and an event that rests is read once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.ticket.domain.availability import Snapshot
from services.ticket.domain.hold import check_word
from services.ticket.domain.refusals import UnknownEvent, UnknownSection
from services.ticket.ports import Store

FRESH_S: Final = 0.5
# A large hall takes longer to read; it may not keep the database busier than one part in this many.
SHARE: Final = 6.0
REMEMBERED: Final = 32


@dataclass(frozen=True, slots=True)
class Kept:
    snapshot: Snapshot
    fresh_until: float


class Snapshots:
    """Reads coalesce per event; what is younger than FRESH_S is not read again."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """`clock` counts seconds from anywhere."""
        self._store, self._clock = store, clock
        self._kept: dict[str, Kept] = {}
        self._reading: dict[str, asyncio.Task[Snapshot]] = {}

    async def get(self, event_id: str, section_id: str = "") -> Snapshot:
        """All places, or those of one section. Refuses `unknown-event`, `unknown-section`."""
        check_word("event_id", event_id)
        kept = self._kept.get(event_id)
        if kept is not None and self._clock() < kept.fresh_until:
            return _only(section_id, kept.snapshot)
        reading = self._reading.get(event_id)
        if reading is None:
            reading = self._reading[event_id] = asyncio.create_task(self._read(event_id), name="snapshot")
        # One who asked and left must not take the answer from the others.
        return _only(section_id, await asyncio.shield(reading))

    async def _read(self, event_id: str) -> Snapshot:
        try:
            began = self._clock()
            snapshot = await self._newest(event_id)
            ended = self._clock()
            self._keep(event_id, Kept(snapshot, ended + max(FRESH_S, SHARE * (ended - began))))
            return snapshot
        finally:
            del self._reading[event_id]

    async def _newest(self, event_id: str) -> Snapshot:
        kept = self._kept.get(event_id)
        if kept is not None and await self._store.version(event_id) == kept.snapshot.version:
            return kept.snapshot
        snapshot = await self._store.snapshot(event_id)
        if snapshot is None:
            raise UnknownEvent
        return snapshot

    def _keep(self, event_id: str, kept: Kept) -> None:
        self._kept.pop(event_id, None)
        self._kept[event_id] = kept
        while len(self._kept) > REMEMBERED:
            del self._kept[next(iter(self._kept))]


def _only(section_id: str, snapshot: Snapshot) -> Snapshot:
    if not section_id:
        return snapshot
    if section_id not in snapshot.places:
        raise UnknownSection
    return Snapshot(snapshot.event, snapshot.version, {section_id: snapshot.places[section_id]})
