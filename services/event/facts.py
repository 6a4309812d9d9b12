"""An event as the message others know, and what became true of it as the facts of topic `events`."""

from datetime import datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from protos.gen import event_pb2 as pb
from protos.gen import messages_pb2 as messages
from protos.gen import money_pb2
from services.event.domain.event import Event, EventFact, EventPublished
from services.event.domain.layout import PriceTier, Section
from services.event.domain.venue import Venue
from services.kit.database.outbox import Outgoing

TOPIC: Final = "events"


def outgoing(fact: EventFact) -> Outgoing:
    if isinstance(fact, EventPublished):
        event = fact.event
        return Outgoing(topic=TOPIC, key=event.event_id, body=messages.EventPublished(event=event_message(event)))
    body = messages.EventCancelled(
        event_id=fact.event_id, reason=fact.reason, cancelled_at=timestamp(fact.cancelled_at)
    )
    return Outgoing(topic=TOPIC, key=fact.event_id, body=body)


def event_message(event: Event) -> pb.Event:
    return pb.Event(
        event_id=event.event_id,
        organiser_id=event.organiser_id,
        title=event.title,
        description=event.description,
        category=event.category,
        status=pb.EventStatus.Value(event.status.value),
        venue=venue_message(event.venue),
        sections=map(_section, event.sections),
        tiers=map(_tier, event.tiers),
        starts_at=timestamp(event.starts_at),
        ends_at=timestamp(event.ends_at),
        sale_starts_at=timestamp(event.sale_starts_at) if event.sale_starts_at else None,
        max_per_booking=event.max_per_booking,
        created_at=timestamp(event.created_at),
        updated_at=timestamp(event.updated_at),
        capacity=event.capacity,
    )


def venue_message(venue: Venue) -> pb.Venue:
    return pb.Venue(
        venue_id=venue.venue_id,
        organiser_id=venue.organiser_id,
        name=venue.name,
        address=venue.address,
        city=venue.city,
        country=venue.country,
        timezone=venue.timezone,
        sections=map(_section, venue.sections),
    )


def timestamp(time: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(time)
    return message


def _section(section: Section) -> pb.Section:
    return pb.Section(
        section_id=section.section_id,
        name=section.name,
        kind=pb.SectionKind.Value(section.kind.value),
        rows=(pb.Row(label=row.label, seat_count=row.seat_count) for row in section.rows),
        capacity=section.capacity,
        tier_id=section.tier_id,
    )


def _tier(tier: PriceTier) -> pb.PriceTier:
    price = money_pb2.Money(minor=tier.price.minor, currency=tier.price.currency)
    return pb.PriceTier(tier_id=tier.tier_id, name=tier.name, price=price)
