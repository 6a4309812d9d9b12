"""An event: draft, then on sale, then perhaps cancelled. Each verb allows one state and refuses in the others."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.event.domain.layout import (
    PriceTier,
    Section,
    capacity_of,
    check_prices,
    check_tiers,
    checked_sections,
    priced_by,
)
from services.event.domain.refusals import (
    EventInThePast,
    EventIsCancelled,
    EventNotDraft,
    EventNotPublished,
    EventWithoutSeats,
    SectionWithoutPrice,
)
from services.event.domain.rules import check_line, check_number, check_text, check_time, require
from services.event.domain.venue import Venue

MAX_TITLE: Final = 200
MAX_DESCRIPTION: Final = 20_000
MAX_CATEGORY: Final = 50
MAX_REASON: Final = 1_000
MAX_PER_BOOKING: Final = 50
DEFAULT_PER_BOOKING: Final = 10


class Status(enum.StrEnum):
    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an organiser writes: the venue by its id, or a new one."""

    title: str
    description: str = ""
    category: str = ""
    venue_id: str = ""
    venue: Venue | None = None
    # Empty: the venue's.
    sections: tuple[Section, ...] = ()
    tiers: tuple[PriceTier, ...] = ()
    starts_at: datetime
    ends_at: datetime
    # None: at once.
    sale_starts_at: datetime | None = None
    # 0: the default.
    max_per_booking: int = 0

    def checked(self) -> Draft:
        """This draft with defaults and true capacities, if every field obeys its rule."""
        check_line("title", self.title, at_least=1, at_most=MAX_TITLE)
        check_text("description", self.description, at_most=MAX_DESCRIPTION)
        check_line("category", self.category, at_most=MAX_CATEGORY)
        self._check_times()
        most = self.max_per_booking or DEFAULT_PER_BOOKING
        check_number("max_per_booking", most, 1, MAX_PER_BOOKING)
        require(bool(self.venue_id) != (self.venue is not None), "venue_id: give it or `venue`, and not both")
        sections = checked_sections(self.sections)
        check_tiers(self.tiers)
        check_prices(sections, self.tiers)
        venue = self.venue and self.venue.checked()
        return replace(self, venue=venue, sections=sections, max_per_booking=most)

    def _check_times(self) -> None:
        check_time("starts_at", self.starts_at)
        check_time("ends_at", self.ends_at)
        require(self.ends_at > self.starts_at, "ends_at: must be after starts_at")
        if self.sale_starts_at is not None:
            check_time("sale_starts_at", self.sale_starts_at)
            require(self.sale_starts_at < self.ends_at, "sale_starts_at: must be before ends_at")


@dataclass(frozen=True, slots=True)
class EventPublished:
    """It is on sale, with the layout and the prices it has now."""

    event: Event


@dataclass(frozen=True, slots=True)
class EventCancelled:
    event_id: str
    reason: str
    cancelled_at: datetime


type EventFact = EventPublished | EventCancelled
# The event after a verb and what became true by it: nothing when it was so already.
type Outcome = tuple[Event, Sequence[EventFact]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    event_id: str
    organiser_id: str
    title: str
    description: str
    category: str
    status: Status
    # Without its layout; a copy, as it was when the draft was written.
    venue: Venue
    # Sections and tiers are empty in a list, the capacity is not.
    sections: tuple[Section, ...]
    tiers: tuple[PriceTier, ...]
    capacity: int
    starts_at: datetime
    ends_at: datetime
    sale_starts_at: datetime | None
    max_per_booking: int
    created_at: datetime
    updated_at: datetime

    def redraft(self, draft: Draft, venue: Venue, *, at: datetime) -> Event:
        """All that the organiser writes, replaced."""
        self.must_be_draft()
        return drafted(draft, venue, event_id=self.event_id, created_at=self.created_at, updated_at=at)

    def must_be_draft(self) -> None:
        if self.status is not Status.DRAFT:
            raise EventNotDraft

    def publish(self, *, at: datetime) -> Outcome:
        if self.status is Status.PUBLISHED:
            return self, ()
        if self.status is Status.CANCELLED:
            raise EventIsCancelled
        self._check_sellable(at)
        published = replace(self, status=Status.PUBLISHED, updated_at=at)
        return published, (EventPublished(published),)

    def _check_sellable(self, at: datetime) -> None:
        if self.capacity == 0:
            raise EventWithoutSeats
        if unpriced := tuple(section.section_id for section in self.sections if not section.tier_id):
            raise SectionWithoutPrice(unpriced)
        if self.ends_at <= at:
            raise EventInThePast

    def cancel(self, reason: str, *, at: datetime) -> Outcome:
        if self.status is Status.CANCELLED:
            return self, ()
        if self.status is Status.DRAFT:
            raise EventNotPublished
        cancelled = replace(self, status=Status.CANCELLED, updated_at=at)
        return cancelled, (EventCancelled(self.event_id, reason, at),)

    def visible_to(self, viewer_id: str) -> bool:
        return self.status is not Status.DRAFT or self.organiser_id == viewer_id


def drafted(draft: Draft, venue: Venue, *, event_id: str, created_at: datetime, updated_at: datetime) -> Event:
    """The event that a checked draft describes, at its venue and of the venue's organiser."""
    sections = draft.sections or priced_by(venue.sections, draft.tiers)
    return Event(
        event_id=event_id,
        organiser_id=venue.organiser_id,
        title=draft.title,
        description=draft.description,
        category=draft.category,
        status=Status.DRAFT,
        venue=venue.without_layout(),
        sections=sections,
        tiers=draft.tiers,
        capacity=capacity_of(sections),
        starts_at=draft.starts_at,
        ends_at=draft.ends_at,
        sale_starts_at=draft.sale_starts_at,
        max_per_booking=draft.max_per_booking,
        created_at=created_at,
        updated_at=updated_at,
    )
