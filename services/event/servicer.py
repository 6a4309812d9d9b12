"""event.EventService: wire to our words and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from protos.gen import event_pb2 as pb
from protos.gen import event_pb2_grpc
from services.event.domain.event import Draft
from services.event.domain.layout import PriceTier, Row, Section, SectionKind
from services.event.domain.search import Search
from services.event.domain.venue import Venue
from services.event.facts import event_message, venue_message
from services.event.handlers import EventHandlers
from services.kit.errors import Invalid
from services.kit.money import Money

type Context = grpc.aio.ServicerContext[Any, Any]

_KINDS: Final = {pb.SEATED: SectionKind.SEATED, pb.STANDING: SectionKind.STANDING}


class EventServicer(event_pb2_grpc.EventServiceServicer):
    def __init__(self, handlers: EventHandlers) -> None:
        self._handlers = handlers

    async def CreateVenue(self, request: pb.CreateVenueRequest, context: Context) -> pb.CreateVenueResponse:
        venue = await self._handlers.create_venue(request.organiser_id, _venue(request.venue))
        return pb.CreateVenueResponse(venue=venue_message(venue))

    async def GetVenue(self, request: pb.GetVenueRequest, context: Context) -> pb.GetVenueResponse:
        venue = await self._handlers.venue(request.venue_id, request.organiser_id)
        return pb.GetVenueResponse(venue=venue_message(venue))

    async def ListVenues(self, request: pb.ListVenuesRequest, context: Context) -> pb.ListVenuesResponse:
        page = await self._handlers.venues(request.organiser_id, size=request.page_size, token=request.page_token)
        return pb.ListVenuesResponse(venues=map(venue_message, page.items), next_page_token=page.next_token)

    async def CreateEvent(self, request: pb.CreateEventRequest, context: Context) -> pb.CreateEventResponse:
        event = await self._handlers.create_event(request.organiser_id, _draft(request.draft))
        return pb.CreateEventResponse(event=event_message(event))

    async def UpdateEvent(self, request: pb.UpdateEventRequest, context: Context) -> pb.UpdateEventResponse:
        event = await self._handlers.update_event(request.event_id, request.organiser_id, _draft(request.draft))
        return pb.UpdateEventResponse(event=event_message(event))

    async def GetEvent(self, request: pb.GetEventRequest, context: Context) -> pb.GetEventResponse:
        event = await self._handlers.event(request.event_id, request.viewer_id)
        return pb.GetEventResponse(event=event_message(event))

    async def DeleteEvent(self, request: pb.DeleteEventRequest, context: Context) -> pb.DeleteEventResponse:
        await self._handlers.delete_event(request.event_id, request.organiser_id)
        return pb.DeleteEventResponse()

    async def PublishEvent(self, request: pb.PublishEventRequest, context: Context) -> pb.PublishEventResponse:
        event = await self._handlers.publish_event(request.event_id, request.organiser_id)
        return pb.PublishEventResponse(event=event_message(event))

    async def CancelEvent(self, request: pb.CancelEventRequest, context: Context) -> pb.CancelEventResponse:
        event = await self._handlers.cancel_event(request.event_id, request.organiser_id, request.reason)
        return pb.CancelEventResponse(event=event_message(event))

    async def SearchEvents(self, request: pb.SearchEventsRequest, context: Context) -> pb.SearchEventsResponse:
        page = await self._handlers.search(_search(request), size=request.page_size, token=request.page_token)
        return pb.SearchEventsResponse(events=map(event_message, page.items), next_page_token=page.next_token)


def _search(message: pb.SearchEventsRequest) -> Search:
    return Search(
        text=message.text,
        city=message.city,
        starts_from=_optional_time(message, "starts_from"),
        starts_before=_optional_time(message, "starts_before"),
        organiser_id=message.organiser_id,
    )


def _draft(message: pb.EventDraft) -> Draft:
    return Draft(
        title=message.title,
        description=message.description,
        category=message.category,
        venue_id=message.venue_id,
        venue=_venue(message.venue) if message.HasField("venue") else None,
        sections=tuple(map(_section, message.sections)),
        tiers=tuple(map(_tier, message.tiers)),
        starts_at=_time(message, "starts_at"),
        ends_at=_time(message, "ends_at"),
        sale_starts_at=_optional_time(message, "sale_starts_at"),
        max_per_booking=message.max_per_booking,
    )


def _venue(message: pb.Venue) -> Venue:
    return Venue(
        name=message.name,
        address=message.address,
        city=message.city,
        country=message.country,
        timezone=message.timezone,
        sections=tuple(map(_section, message.sections)),
    )


def _section(message: pb.Section) -> Section:
    if message.kind not in _KINDS:
        raise Invalid("sections: kind must be SEATED or STANDING")
    return Section(
        section_id=message.section_id,
        name=message.name,
        kind=_KINDS[message.kind],
        rows=tuple(Row(row.label, row.seat_count) for row in message.rows),
        capacity=message.capacity,
        tier_id=message.tier_id,
    )


def _tier(message: pb.PriceTier) -> PriceTier:
    return PriceTier(message.tier_id, message.name, Money(message.price.minor, message.price.currency))


def _time(message: pb.EventDraft, field: str) -> datetime:
    if time := _optional_time(message, field):
        return time
    raise Invalid(f"{field}: is required")


def _optional_time(message: pb.EventDraft | pb.SearchEventsRequest, field: str) -> datetime | None:
    if not message.HasField(field):  # type: ignore[arg-type]  # the stubs want the name as a literal
        return None
    stamp: Timestamp = getattr(message, field)
    try:
        return stamp.ToDatetime(UTC)
    except (ValueError, OverflowError) as unreadable:
        raise Invalid(f"{field}: not a point in time") from unreadable
