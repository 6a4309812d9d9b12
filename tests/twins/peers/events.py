"""event in memory."""

from __future__ import annotations

from typing import Any

from protos.gen import event_pb2 as event
from protos.gen import event_pb2_grpc
from services.kit.errors import Invalid, Kind
from services.kit.ids import new_id
from tests.twins.peers.answers import page, refused


class EventTwin(event_pb2_grpc.EventServiceServicer):
    def __init__(self) -> None:
        self.events: dict[str, event.Event] = {}
        self.venues: dict[str, event.Venue] = {}

    async def CreateVenue(self, request: event.CreateVenueRequest, context: Any) -> event.CreateVenueResponse:
        return event.CreateVenueResponse(venue=self._store(request.venue, request.organiser_id))

    async def GetVenue(self, request: event.GetVenueRequest, context: Any) -> event.GetVenueResponse:
        return event.GetVenueResponse(venue=self._venue(request.venue_id, request.organiser_id))

    async def ListVenues(self, request: event.ListVenuesRequest, context: Any) -> event.ListVenuesResponse:
        mine = [venue for venue in self.venues.values() if venue.organiser_id == request.organiser_id]
        found_page, token = page(mine, request.page_size, request.page_token)
        return event.ListVenuesResponse(venues=found_page, next_page_token=token)

    async def CreateEvent(self, request: event.CreateEventRequest, context: Any) -> event.CreateEventResponse:
        made = event.Event(event_id=new_id(), organiser_id=request.organiser_id, status=event.DRAFT)
        made.created_at.GetCurrentTime()
        self._fill(made, request.draft)
        self.events[made.event_id] = made
        return event.CreateEventResponse(event=made)

    async def UpdateEvent(self, request: event.UpdateEventRequest, context: Any) -> event.UpdateEventResponse:
        draft = self._mine(request.event_id, request.organiser_id)
        if draft.status != event.DRAFT:
            raise refused(Kind.CONFLICT, "event-not-draft")
        self._fill(draft, request.draft)
        return event.UpdateEventResponse(event=draft)

    async def GetEvent(self, request: event.GetEventRequest, context: Any) -> event.GetEventResponse:
        found = self.events.get(request.event_id)
        if found is None or (found.status == event.DRAFT and found.organiser_id != request.viewer_id):
            raise refused(Kind.MISSING, "unknown-event")
        return event.GetEventResponse(event=found)

    async def DeleteEvent(self, request: event.DeleteEventRequest, context: Any) -> event.DeleteEventResponse:
        found = self.events.get(request.event_id)
        if found is not None and found.organiser_id == request.organiser_id:
            if found.status != event.DRAFT:
                raise refused(Kind.CONFLICT, "event-not-draft")
            del self.events[request.event_id]
        return event.DeleteEventResponse()

    async def PublishEvent(self, request: event.PublishEventRequest, context: Any) -> event.PublishEventResponse:
        found = self._mine(request.event_id, request.organiser_id)
        if found.status == event.CANCELLED:
            raise refused(Kind.CONFLICT, "event-cancelled")
        if not found.capacity:
            raise refused(Kind.CONFLICT, "event-without-seats")
        found.status = event.PUBLISHED
        return event.PublishEventResponse(event=found)

    async def CancelEvent(self, request: event.CancelEventRequest, context: Any) -> event.CancelEventResponse:
        found = self._mine(request.event_id, request.organiser_id)
        if found.status == event.DRAFT:
            raise refused(Kind.CONFLICT, "event-not-published")
        found.status = event.CANCELLED
        return event.CancelEventResponse(event=found)

    async def SearchEvents(self, request: event.SearchEventsRequest, context: Any) -> event.SearchEventsResponse:
        mine = request.organiser_id
        found = [
            known
            for known in self.events.values()
            if (known.organiser_id == mine if mine else known.status == event.PUBLISHED)
            and request.text.lower() in known.title.lower()
        ]
        found_page, token = page(found, request.page_size, request.page_token)
        return event.SearchEventsResponse(events=found_page, next_page_token=token)

    def _fill(self, made: event.Event, draft: event.EventDraft) -> None:
        if draft.HasField("venue") == bool(draft.venue_id):
            raise Invalid("venue: either venue or venue_id")
        if draft.venue_id:
            venue = self._venue(draft.venue_id, made.organiser_id)
        else:
            venue = self._store(draft.venue, made.organiser_id)
        for name in ("title", "description", "category", "max_per_booking"):
            setattr(made, name, getattr(draft, name))
        made.max_per_booking = made.max_per_booking or 10
        for name in ("starts_at", "ends_at", "sale_starts_at"):
            made.ClearField(name)
            if draft.HasField(name):
                getattr(made, name).CopyFrom(getattr(draft, name))
        made.venue.CopyFrom(venue)
        del made.venue.sections[:], made.sections[:], made.tiers[:]
        made.sections.extend(draft.sections or venue.sections)
        made.tiers.extend(draft.tiers)
        made.capacity = sum(section.capacity for section in made.sections)
        made.updated_at.GetCurrentTime()

    def _store(self, venue: event.Venue, organiser_id: str) -> event.Venue:
        stored = event.Venue()
        stored.CopyFrom(venue)
        stored.venue_id, stored.organiser_id = new_id(), organiser_id
        for section in stored.sections:
            if section.kind == event.SEATED:
                section.capacity = sum(row.seat_count for row in section.rows)
        self.venues[stored.venue_id] = stored
        return stored

    def _venue(self, venue_id: str, organiser_id: str) -> event.Venue:
        found = self.venues.get(venue_id)
        if found is None or found.organiser_id != organiser_id:
            raise refused(Kind.MISSING, "unknown-venue")
        return found

    def _mine(self, event_id: str, organiser_id: str) -> event.Event:
        found = self.events.get(event_id)
        if found is None or found.organiser_id != organiser_id:
            raise refused(Kind.MISSING, "unknown-event")
        return found
