"""The places of a transaction's events as they are, and as they become while its requests are decided one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.ticket.domain.event import Event, SectionKind
from services.ticket.domain.hold import Hold, HoldState, Order, Place, Ticket, seat_parts
from services.ticket.domain.refusals import SeatTaken, SoldOut, UnknownSeat
from services.ticket.domain.runs import Runs

FREE: Final = "f"
HELD: Final = "h"
SOLD: Final = "s"
# What a place is while a hold in that state has it; nothing where the hold has no places.
OCCUPIES: Final = {HoldState.HELD: HELD, HoldState.SOLD: SOLD, HoldState.EXPIRED: FREE, HoldState.RELEASED: FREE}

# An event and the id of a seat or section in it.
type At = tuple[str, str]


@dataclass(slots=True)
class Asked:
    """Which places a transaction has to know about."""

    seats: set[At] = field(default_factory=set)
    standing: set[At] = field(default_factory=set)
    # Seated section → how many of its frontmost free seats.
    front: dict[At, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Move:
    """One seat changes hands. It happens only if the seat is as it is believed to be: `before`, and this key's."""

    event_id: str
    seat_id: str
    before: str
    after: str
    key: str


@dataclass(slots=True)
class Shift:
    """How the counts of a section change."""

    held: int = 0
    sold: int = 0


@dataclass(slots=True)
class Changes:
    """What a transaction writes, gathered while it is decided."""

    moves: list[Move] = field(default_factory=list)
    shifts: defaultdict[At, Shift] = field(default_factory=lambda: defaultdict(Shift))
    # By key; the last state of each.
    new: dict[str, Hold] = field(default_factory=dict)
    # By key: the hold as it was, and as it is now.
    changed: dict[str, tuple[Hold, Hold]] = field(default_factory=dict)
    issued: list[Ticket] = field(default_factory=list)
    # Keys of holds whose tickets are void from now on.
    void: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.new or self.changed)


class Stock:
    """Decisions change it at once, so that a later request of the same transaction sees what an earlier one took."""

    def __init__(
        self,
        seats: Mapping[At, str] | None = None,
        standing: Mapping[At, int] | None = None,
        front: Mapping[At, Runs] | None = None,
    ) -> None:
        """States of seats, free places of standing sections, and the front of seated ones."""
        self._seats = dict(seats or {})
        self._standing = dict(standing or {})
        self._front = front or {}
        self.changes = Changes()

    @property
    def seated_apart(self) -> set[At]:
        """Sections where a wider look might seat people together."""
        return {at for at, runs in self._front.items() if runs.seated_apart}

    def take(self, order: Order, event: Event) -> tuple[Place, ...]:
        """The places of an order, all or none; refuses `unknown-seat`, `seat-taken`, `sold-out`."""
        self._check(order, event)
        places = [_seat(event, seat_id) for seat_id in order.seat_ids]
        for place in places:
            self._take_seat(event.event_id, place)
        for one in order.quantities:
            section = event.sections[one.section_id]
            at = (event.event_id, section.section_id)
            if section.kind is SectionKind.STANDING:
                self._standing[at] -= one.quantity
                places += [Place("", section.section_id, section.standing_label, section.price)] * one.quantity
            else:
                seat_ids = [
                    f"{section.section_id}-{row}-{number}" for row, number in self._front[at].take(one.quantity)
                ]
                self._seats |= {(event.event_id, seat_id): HELD for seat_id in seat_ids}
                places += [_seat(event, seat_id) for seat_id in seat_ids]
        return tuple(places)

    def take_again(self, hold: Hold) -> bool:
        """The places that a hold lost when it expired, all or none."""
        standing: dict[At, int] = defaultdict(int)
        for place in hold.places:
            if not place.seat_id:
                standing[hold.event_id, place.section_id] += 1
            elif self._seats[hold.event_id, place.seat_id] != FREE:
                return False
        if any(self._standing[at] < count for at, count in standing.items()):
            return False
        for place in hold.places:
            if place.seat_id:
                self._take_seat(hold.event_id, place)
        for at, count in standing.items():
            self._standing[at] -= count
        return True

    def add(self, hold: Hold) -> None:
        """A new hold; its places were taken before, by `take`."""
        self.changes.new[hold.key] = hold
        self._move(hold, FREE, OCCUPIES[hold.state])

    def change(self, before: Hold, after: Hold) -> None:
        """A hold goes over into another state, and its places with it."""
        changes = self.changes
        if before.key in changes.new:
            raise ValueError(f"hold {before.key} is made and changed in one transaction")
        first, _ = changes.changed.get(before.key, (before, before))
        changes.changed[before.key] = (first, after)
        if OCCUPIES[before.state] != OCCUPIES[after.state]:
            self._move(before, OCCUPIES[before.state], OCCUPIES[after.state])

    def _move(self, hold: Hold, before: str, after: str) -> None:
        changes, event_id, key = self.changes, hold.event_id, hold.key
        for place in hold.places:
            if place.seat_id:
                changes.moves.append(Move(event_id, place.seat_id, before, after, key))
            shift = changes.shifts[event_id, place.section_id]
            shift.held += (after == HELD) - (before == HELD)
            shift.sold += (after == SOLD) - (before == SOLD)

    def _take_seat(self, event_id: str, place: Place) -> None:
        self._seats[event_id, place.seat_id] = HELD
        if runs := self._front.get((event_id, place.section_id)):
            _, row, number = seat_parts(place.seat_id)
            runs.remove(row, int(number))

    def _check(self, order: Order, event: Event) -> None:
        states = {seat_id: self._seats.get((event.event_id, seat_id)) for seat_id in order.seat_ids}
        if unknown := [seat_id for seat_id, state in states.items() if state is None]:
            raise UnknownSeat(", ".join(unknown))
        wanted: dict[str, int] = defaultdict(int)
        for one in order.quantities:
            if one.section_id not in event.sections:
                raise UnknownSeat(f"section {one.section_id[:40]!a}")
            wanted[one.section_id] += one.quantity
        if taken := [seat_id for seat_id, state in states.items() if state != FREE]:
            raise SeatTaken(taken)
        for section_id, count in wanted.items():
            if self._free(event, section_id, order.seat_ids) < count:
                raise SoldOut(section_id)

    def _free(self, event: Event, section_id: str, besides: Sequence[str]) -> int:
        """How many could be taken by number after the order's own named seats were taken."""
        at = (event.event_id, section_id)
        if event.sections[section_id].kind is SectionKind.STANDING:
            return self._standing[at]
        return self._front[at].free - sum(seat_id.startswith(f"{section_id}-") for seat_id in besides)


def _seat(event: Event, seat_id: str) -> Place:
    section_id, row, number = seat_parts(seat_id)
    section = event.sections[section_id]
    return Place(seat_id, section_id, section.seat_label(row, number), section.price)
