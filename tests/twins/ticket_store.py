"""Events, places and holds in memory, one transaction at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from datetime import UTC, datetime
from itertools import groupby

from services.ticket.domain.availability import Places, RowStates, SectionPlaces, Snapshot
from services.ticket.domain.event import Event, Layout, Locked, OnSale, SectionKind
from services.ticket.domain.hold import Hold, HoldState, Ticket, seat_parts
from services.ticket.domain.runs import Run, Runs
from services.ticket.domain.stock import FREE, HELD, SOLD, Asked, At, Changes, Stock
from services.ticket.ports import Raced


class MemoryTicketStore:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.state = MemoryInventory()
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryInventory]:
        async with self._one_at_a_time:
            before = self.state.copied()
            self.state.now = self.now
            try:
                yield self.state
            except BaseException:
                self.state = before
                raise

    async def event(self, event_id: str) -> Event | None:
        layout = self.state.layouts.get(event_id)
        return layout.event if layout else None

    async def places(self) -> Places:
        capacity = held = sold = 0
        for event_id in self.state.layouts.keys() - self.state.cancelled:
            for section_id, section in self.state.layouts[event_id].event.sections.items():
                capacity += section.capacity
                held += self.state.counts[event_id, section_id][HELD]
                sold += self.state.counts[event_id, section_id][SOLD]
        return Places(free=capacity - held - sold, held=held, sold=sold)

    async def version(self, event_id: str) -> int:
        return self.state.versions.get(event_id, 0)

    async def snapshot(self, event_id: str) -> Snapshot | None:
        layout = self.state.layouts.get(event_id)
        if layout is None:
            return None
        places = {
            section_id: SectionPlaces(
                held=self.state.counts[event_id, section_id][HELD],
                sold=self.state.counts[event_id, section_id][SOLD],
                rows=tuple(
                    RowStates(
                        row.label,
                        "".join(
                            self.state.seats[event_id, f"{section_id}-{row.label}-{number}"][0]
                            for number in range(1, row.seat_count + 1)
                        ),
                    )
                    for row in layout.rows.get(section_id, ())
                ),
            )
            for section_id in layout.event.sections
        }
        return Snapshot(layout.event, self.state.versions[event_id], places)

    async def due(self, limit: int) -> Sequence[str]:
        over = [
            (hold.expires_at, key)
            for key, hold in self.state.kept.items()
            if hold.expires_at is not None and hold.expires_at < self.now
        ]
        return [key for _, key in sorted(over)][:limit]

    def sold_twice(self) -> int:
        """Valid tickets beyond the first of a seat."""
        valid = Counter(
            (ticket.event_id, ticket.place.seat_id)
            for key, tickets in self.state.issued.items()
            if key not in self.state.void
            for ticket in tickets
            if ticket.place.seat_id
        )
        return sum(count - 1 for count in valid.values())


class MemoryInventory:
    def __init__(self) -> None:
        self.now = datetime.min.replace(tzinfo=UTC)
        self.layouts: dict[str, Layout] = {}
        self.cancelled: set[str] = set()
        self.versions: dict[str, int] = {}
        # State and key.
        self.seats: dict[At, tuple[str, str]] = {}
        self.counts: dict[At, Counter[str]] = {}
        self.kept: dict[str, Hold] = {}
        self.issued: dict[str, list[Ticket]] = {}
        self.void: set[str] = set()
        # Event and version of each fact, in the order they were published.
        self.published: list[tuple[str, int]] = []
        self._handled: set[str] = set()

    def copied(self) -> MemoryInventory:
        twin = copy(self)
        for name in ("layouts", "cancelled", "versions", "seats", "kept", "void", "published", "_handled"):
            setattr(twin, name, copy(getattr(self, name)))
        twin.counts = {at: Counter(count) for at, count in self.counts.items()}
        twin.issued = {key: list(tickets) for key, tickets in self.issued.items()}
        return twin

    async def lock(self, *, event_ids: Collection[str] = (), keys: Collection[str] = ()) -> Locked:
        wanted = {*event_ids, *(self.kept[key].event_id for key in keys if key in self.kept)}
        known = {event_id: self.layouts[event_id].event for event_id in wanted if event_id in self.layouts}
        events = {event_id: OnSale(event, event_id in self.cancelled) for event_id, event in known.items()}
        return Locked(self.now, events)

    async def holds(self, keys: Collection[str]) -> Mapping[str, Hold]:
        return {key: self.kept[key] for key in keys if key in self.kept}

    async def tickets(self, holds: Mapping[str, Hold]) -> Mapping[str, Sequence[Ticket]]:
        return {key: self.issued[key] for key, hold in holds.items() if hold.state is HoldState.SOLD}

    async def stock(self, asked: Asked) -> Stock:
        seats = {at: self.seats[at][0] for at in asked.seats if at in self.seats}
        standing = {at: self._free(at) for at in asked.standing}
        return Stock(seats, standing, {at: self._front(at, window) for at, window in asked.front.items()})

    def _free(self, at: At) -> int:
        event_id, section_id = at
        return self.layouts[event_id].event.sections[section_id].capacity - self.counts[at].total()

    def _front(self, at: At, window: int) -> Runs:
        event_id, section_id = at
        labels = [row.label for row in self.layouts[event_id].rows[section_id]]
        free = sorted(
            (labels.index(row), int(number))
            for (of_event, seat_id), (state, _) in self.seats.items()
            for section, row, number in [seat_parts(seat_id)]
            if of_event == event_id and section == section_id and state == FREE
        )[:window]
        runs = []
        for (row_no, _), grouped in groupby(enumerate(free), key=lambda one: (one[1][0], one[1][1] - one[0])):
            numbers = [number for _, (_, number) in grouped]
            runs.append(Run(labels[row_no], numbers[0], len(numbers)))
        return Runs(runs, more=len(free) == window)

    async def write(self, changes: Changes) -> None:
        for hold in changes.new.values():
            if hold.key in self.kept:
                raise Raced
            self.kept[hold.key] = hold
        for before, after in changes.changed.values():
            assert self.kept[before.key].state == before.state
            self.kept[after.key] = after
        for move in changes.moves:
            owner = "" if move.before == FREE else move.key
            assert self.seats[move.event_id, move.seat_id] == (move.before, owner)
            self.seats[move.event_id, move.seat_id] = (move.after, "" if move.after == FREE else move.key)
        for at, shift in changes.shifts.items():
            self.counts[at][HELD] += shift.held
            self.counts[at][SOLD] += shift.sold
            assert min(self.counts[at].values()) >= 0
            assert self._free(at) >= 0
        for ticket in changes.issued:
            self.issued.setdefault(ticket.hold_key, []).append(ticket)
        self.void |= set(changes.void)
        for event_id in sorted({event_id for event_id, _ in changes.shifts}):
            self.versions[event_id] += 1
            self.published.append((event_id, self.versions[event_id]))

    async def add_events(self, layouts: Sequence[Layout]) -> None:
        for layout in layouts:
            event = layout.event
            if event.event_id in self.layouts:
                continue
            self.layouts[event.event_id] = layout
            self.versions[event.event_id] = 1
            for section in event.sections.values():
                self.counts[event.event_id, section.section_id] = Counter({HELD: 0, SOLD: 0})
                assert (section.kind is SectionKind.SEATED) == (section.section_id in layout.rows)
                for row in layout.rows.get(section.section_id, ()):
                    for number in range(1, row.seat_count + 1):
                        seat_id = f"{section.section_id}-{row.label}-{number}"
                        self.seats[event.event_id, seat_id] = (FREE, "")

    async def cancel_events(self, event_ids: Collection[str]) -> None:
        self.cancelled |= set(event_ids)

    async def first_time(self, fact_ids: Collection[str]) -> set[str]:
        fresh = set(fact_ids) - self._handled
        self._handled |= fresh
        return fresh
