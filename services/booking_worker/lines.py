"""The lines this worker holds, and which entries wait for the outcome of which booking."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from services.booking_worker import metrics
from services.booking_worker.domain import Entry, Line


class Lines:
    def __init__(self, *, per_event: int, overall: int) -> None:
        self._per_event, self._overall = per_event, overall
        self._lines: dict[str, Line] = {}
        # A buyer who sent an order twice has one booking in two entries.
        self._by_booking: dict[str, list[Entry]] = {}
        self._changed = asyncio.Event()
        # Events whose `served` grew since the buyers were told.
        self.moved: set[str] = set()

    def open(self, line: Line) -> None:
        self._lines[line.event_id] = line
        metrics.LEASES.set(len(self._lines))

    def close(self, event_id: str) -> Sequence[str]:
        """The line is not ours any more; the bookings nobody here waits for from now on."""
        line = self._lines.pop(event_id, None)
        metrics.LEASES.set(len(self._lines))
        self._changed.set()
        return self._forget(line.entries) if line else ()

    def take(self, event_id: str, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Those that are new, in order; none when the line is not ours."""
        line = self._lines.get(event_id)
        if line is None:
            return ()
        line.used = asyncio.get_running_loop().time()
        fresh = line.take(entries)
        for entry in fresh:
            self._by_booking.setdefault(entry.booking_id, []).append(entry)
        metrics.IN_FLIGHT.set(self.in_flight)
        return fresh

    def waiting_for(self, booking_id: str) -> Sequence[Entry]:
        """Entries in flight that this booking is the outcome of."""
        return self._by_booking.get(booking_id, ())

    def worn(self, entry: Entry, tries: int) -> None:
        """As if it had been tried so often."""
        if line := self._lines.get(entry.event_id):
            line.worn(entry, tries)

    def leave(self, event_id: str, entries: Sequence[Entry]) -> None:
        if line := self._lines.get(event_id):
            line.leave(entries)
            self.moved.add(event_id)
        self._forget(entries)
        metrics.IN_FLIGHT.set(self.in_flight)
        self._changed.set()

    def find(self, event_id: str) -> Line | None:
        return self._lines.get(event_id)

    def readable(self, *, now: float) -> list[str]:
        """Events that new entries may be read of; first the one that got some the longest ago, so that those that many
        want do not take all the room whenever there is some.
        """
        if self.room <= 0:
            return []
        return [
            line.event_id
            for line in sorted(self._lines.values(), key=lambda line: line.used)
            if line.opened
            and not line.leaving
            # Whoever comes later must not overtake an order that is to be sent again.
            and not line.retrying
            and line.in_flight < self._per_event
            and now < line.held_until
        ]

    def reopen(self, event_ids: Sequence[str]) -> None:
        """Before anything new is read of these, what was read without an outcome is claimed."""
        for event_id in event_ids:
            if line := self._lines.get(event_id):
                line.opened = False

    @property
    def room(self) -> int:
        """How many more entries may be taken."""
        return self._overall - self.in_flight

    async def changed(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def wake(self) -> None:
        self._changed.set()

    @property
    def in_flight(self) -> int:
        return sum(line.in_flight for line in self._lines.values())

    def __iter__(self) -> Iterator[Line]:
        return iter(list(self._lines.values()))

    def _forget(self, entries: Sequence[Entry]) -> Sequence[str]:
        gone = []
        for entry in entries:
            waiting = self._by_booking.get(entry.booking_id, [])
            if entry in waiting:
                waiting.remove(entry)
            if not waiting:
                self._by_booking.pop(entry.booking_id, None)
                gone.append(entry.booking_id)
        return gone
