"""Oversold: places that more than one buyer has, or that buyers and inventory disagree about. One finding a place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

from tests.load.sale.evidence import CONFIRMED, Evidence, Said, Section
from tests.load.sale.judging.finding import Finding

KIND = "oversold"
NOTHING = Section(capacity=0, held=0, sold=0)


@dataclass(slots=True)
class Tickets:
    """The live tickets of one section."""

    # Seat → the bookings that have it.
    owners: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    standing: int = 0

    @property
    def places(self) -> int:
        return self.standing + len(self.owners)


def places_in_dispute(evidence: Evidence) -> Sequence[Finding]:
    tickets = _live_tickets(evidence)
    sections = {*tickets, *evidence.before, *evidence.after}
    return [
        finding
        for section in sorted(sections)
        for finding in _of_section(
            section[1],
            tickets.get(section, Tickets()),
            evidence.before.get(section, NOTHING),
            evidence.after.get(section, NOTHING),
        )
    ]


def _live_tickets(evidence: Evidence) -> Mapping[tuple[str, str], Tickets]:
    """As buyers were told; of those who were not there to be told, as the API says."""
    told = {story.booking_id: story.told for story in evidence.stories if story.booking_id and story.told}
    events = {story.booking_id: story.event_id for story in evidence.stories}
    tickets: dict[tuple[str, str], Tickets] = defaultdict(Tickets)
    for booking_id in {*told, *evidence.bookings}:
        said = _believed(told.get(booking_id), evidence.bookings.get(booking_id))
        for place in said.tickets if said.status == CONFIRMED else ():
            section = tickets[events.get(booking_id, said.event_id), place.section_id]
            if place.seat_id:
                section.owners[place.seat_id].append(booking_id)
            else:
                section.standing += 1
    return tickets


def _believed(told: Said | None, looked_up: Said | None) -> Said:
    """What the buyer was told, with the API's tickets where the message carried none."""
    said = told or looked_up
    if said is None:
        raise ValueError("nobody said anything of this booking")
    if said.status == CONFIRMED and not said.tickets and looked_up is not None and looked_up.status == CONFIRMED:
        return looked_up
    return said


def _of_section(name: str, tickets: Tickets, before: Section, after: Section) -> Iterator[Finding]:
    for seat, owners in tickets.owners.items():
        yield from repeat(Finding(KIND, seat, f"sold to bookings {', '.join(sorted(owners))}"), len(owners) - 1)
    newly_sold = after.sold_seats - before.sold_seats
    for seat in sorted(newly_sold.symmetric_difference(tickets.owners)):
        whose = "has a ticket but is not sold in the inventory" if seat in tickets.owners else "sold to nobody we know"
        yield Finding(KIND, seat, whose)
    standing = after.sold - len(after.sold_seats) - (before.sold - len(before.sold_seats))
    surplus = abs(standing - tickets.standing)
    if surplus:
        sentence = f"{tickets.standing} tickets without a seat, but {standing} places went in the inventory"
        yield from repeat(Finding(KIND, name, sentence), surplus)
    # Places that are held are promised to somebody as well.
    given = max(before.sold + tickets.places, after.sold) + after.held
    if not surplus and given > after.capacity:
        yield from repeat(Finding(KIND, name, f"{given} given of {after.capacity}"), given - after.capacity)
