"""Topic `events`: what is published becomes places to sell, what is cancelled is sold no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Final

from protos.gen import event_pb2
from protos.gen import messages_pb2 as messages
from services.kit.bus.facts import Fact
from services.kit.money import Money
from services.ticket.domain.event import Event, Layout, Row, Section, SectionKind, Tier
from services.ticket.handlers import TicketHandlers

PUBLISHED: Final = messages.EventPublished.DESCRIPTOR.full_name
CANCELLED: Final = messages.EventCancelled.DESCRIPTOR.full_name


class EventsConsumer:
    def __init__(self, handlers: TicketHandlers) -> None:
        self._handlers = handlers

    async def handle(self, facts: Sequence[Fact]) -> None:
        published = {
            fact.id: layout_of(messages.EventPublished.FromString(fact.body).event)
            for fact in facts
            if fact.type == PUBLISHED
        }
        cancelled = {
            fact.id: messages.EventCancelled.FromString(fact.body).event_id for fact in facts if fact.type == CANCELLED
        }
        if published or cancelled:
            await self._handlers.events_changed(published, cancelled)


def layout_of(message: event_pb2.Event) -> Layout:
    """An event's places and prices. One that no buyer could pay for is a fault, and raises KeyError."""
    tiers = tuple(_tier(tier) for tier in message.tiers)
    prices = {tier.tier_id: tier.price for tier in tiers}
    sections = {one.section_id: _section(one, prices[one.tier_id]) for one in message.sections}
    starts_at = message.sale_starts_at.ToDatetime(UTC) if message.HasField("sale_starts_at") else None
    event = Event(
        event_id=message.event_id,
        sections=sections,
        tiers=tiers,
        max_per_booking=message.max_per_booking,
        sale_starts_at=starts_at,
    )
    rows = {
        one.section_id: tuple(Row(row.label, row.seat_count) for row in one.rows)
        for one in message.sections
        if one.kind == event_pb2.SEATED
    }
    return Layout(event, rows)


def _section(message: event_pb2.Section, price: Money) -> Section:
    seated = message.kind == event_pb2.SEATED
    return Section(
        section_id=message.section_id,
        name=message.name,
        kind=SectionKind.SEATED if seated else SectionKind.STANDING,
        tier_id=message.tier_id,
        price=price,
        capacity=sum(row.seat_count for row in message.rows) if seated else message.capacity,
    )


def _tier(message: event_pb2.PriceTier) -> Tier:
    return Tier(message.tier_id, message.name, Money(message.price.minor, message.price.currency))
