"""Events and venues between protobuf and the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from protos.gen import event_pb2 as pb
from services.gateway.clients.wire import from_money, from_time, get_time, to_money, to_time
from services.gateway.models.events import (
    Event,
    EventDraft,
    EventSummary,
    Kind,
    Row,
    Section,
    SectionDraft,
    Tier,
    TierDraft,
    Venue,
    VenueDraft,
    VenueSummary,
)

_KINDS: Final[dict[int, Kind]] = {pb.SEATED: "seated", pb.STANDING: "standing"}
_KIND_NAMED: Final[dict[Kind, pb.SectionKind.ValueType]] = {"seated": pb.SEATED, "standing": pb.STANDING}
_STATUS: Final[dict[int, Literal["draft", "published", "cancelled"]]] = {
    pb.DRAFT: "draft",
    pb.PUBLISHED: "published",
    pb.CANCELLED: "cancelled",
}


def to_kind(kind: int) -> Kind:
    return _KINDS[kind]


def to_section(section: pb.Section) -> Section:
    return Section(
        id=section.section_id,
        name=section.name,
        kind=to_kind(section.kind),
        rows=[Row(row.label, row.seat_count) for row in section.rows],
        capacity=section.capacity,
        tier_id=section.tier_id,
    )


def to_tier(tier: pb.PriceTier) -> Tier:
    return Tier(tier.tier_id, tier.name, to_money(tier.price))


def to_venue_summary(venue: pb.Venue) -> VenueSummary:
    return VenueSummary(
        id=venue.venue_id,
        name=venue.name,
        address=venue.address,
        city=venue.city,
        country=venue.country,
        timezone=venue.timezone,
    )


def to_venue(venue: pb.Venue) -> Venue:
    return Venue(
        id=venue.venue_id,
        name=venue.name,
        address=venue.address,
        city=venue.city,
        country=venue.country,
        timezone=venue.timezone,
        sections=[to_section(section) for section in venue.sections],
    )


def to_summary(event: pb.Event) -> EventSummary:
    return EventSummary(
        id=event.event_id,
        organiser_id=event.organiser_id,
        title=event.title,
        description=event.description,
        category=event.category,
        status=_STATUS[event.status],
        venue=to_venue_summary(event.venue),
        starts_at=get_time(event.starts_at),
        ends_at=get_time(event.ends_at),
        sale_starts_at=to_time(event.sale_starts_at, present=event.HasField("sale_starts_at")),
        max_per_booking=event.max_per_booking,
        capacity=event.capacity,
        created_at=get_time(event.created_at),
        updated_at=get_time(event.updated_at),
    )


def to_event(event: pb.Event) -> Event:
    summary = to_summary(event)
    return Event(
        **{name: getattr(summary, name) for name in EventSummary.__struct_fields__},
        sections=[to_section(section) for section in event.sections],
        tiers=[to_tier(tier) for tier in event.tiers],
    )


def from_venue(venue: VenueDraft) -> pb.Venue:
    return pb.Venue(
        name=venue.name,
        address=venue.address,
        city=venue.city,
        country=venue.country,
        timezone=venue.timezone,
        sections=_sections(venue.sections),
    )


def from_draft(draft: EventDraft) -> pb.EventDraft:
    return pb.EventDraft(
        title=draft.title,
        description=draft.description,
        category=draft.category,
        venue_id=draft.venue_id,
        venue=from_venue(draft.venue) if draft.venue is not None else None,
        sections=_sections(draft.sections),
        tiers=[_tier(tier) for tier in draft.tiers],
        starts_at=from_time(draft.starts_at, "starts_at"),
        ends_at=from_time(draft.ends_at, "ends_at"),
        sale_starts_at=from_time(draft.sale_starts_at, "sale_starts_at"),
        max_per_booking=draft.max_per_booking,
    )


def _sections(sections: Sequence[SectionDraft]) -> list[pb.Section]:
    return [
        pb.Section(
            section_id=section.id,
            name=section.name,
            kind=_KIND_NAMED[section.kind],
            rows=[pb.Row(label=row.label, seat_count=row.seats) for row in section.rows],
            capacity=section.capacity,
            tier_id=section.tier_id,
        )
        for section in sections
    ]


def _tier(tier: TierDraft) -> pb.PriceTier:
    return pb.PriceTier(tier_id=tier.id, name=tier.name, price=from_money(tier.price))
