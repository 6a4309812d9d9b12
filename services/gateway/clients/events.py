"""event: venues and events. Also the catalogue from which the door knows what is on sale."""

from __future__ import annotations

from typing import Final

from protos.gen import event_pb2 as pb
from services.gateway.cache import Coalescing
from services.gateway.clients.events_wire import from_draft, from_venue, to_event, to_summary, to_venue
from services.gateway.clients.peers import Peers
from services.gateway.clients.wire import from_time
from services.gateway.domain import OnSale, UnknownEvent
from services.gateway.models.events import Event, EventDraft, EventQuery, Events, Venue, VenueDraft, Venues
from services.kit.errors import PeerRefused
from services.kit.ids import is_id

FOUND_S: Final = 5.0
MISSING_S: Final = 1.0
REMEMBERED: Final = 500


class EventClient:
    def __init__(self, peers: Peers) -> None:
        self._event = peers.event

    async def create_venue(self, organiser_id: str, venue: VenueDraft) -> Venue:
        request = pb.CreateVenueRequest(organiser_id=organiser_id, venue=from_venue(venue))
        return to_venue((await self._event.call(self._event.stub.CreateVenue, request)).venue)

    async def venue(self, organiser_id: str, venue_id: str) -> Venue:
        request = pb.GetVenueRequest(venue_id=venue_id, organiser_id=organiser_id)
        return to_venue((await self._event.call(self._event.stub.GetVenue, request)).venue)

    async def venues(self, organiser_id: str, *, limit: int, cursor: str) -> Venues:
        request = pb.ListVenuesRequest(organiser_id=organiser_id, page_size=limit, page_token=cursor)
        reply = await self._event.call(self._event.stub.ListVenues, request)
        return Venues([to_venue(venue) for venue in reply.venues], reply.next_page_token or None)

    async def search(self, query: EventQuery, *, organiser_id: str) -> Events:
        """`organiser_id`: only hers, drafts too; empty: what is published."""
        request = pb.SearchEventsRequest(
            text=query.q,
            city=query.city,
            starts_from=from_time(query.from_, "from"),
            starts_before=from_time(query.before, "before"),
            organiser_id=organiser_id,
            page_size=query.limit,
            page_token=query.cursor,
        )
        reply = await self._event.call(self._event.stub.SearchEvents, request)
        return Events([to_summary(event) for event in reply.events], reply.next_page_token or None)

    async def event(self, event_id: str, *, viewer_id: str) -> Event:
        return to_event(await self.get(event_id, viewer_id=viewer_id))

    async def get(self, event_id: str, *, viewer_id: str) -> pb.Event:
        request = pb.GetEventRequest(event_id=event_id, viewer_id=viewer_id)
        return (await self._event.call(self._event.stub.GetEvent, request)).event

    async def create(self, organiser_id: str, draft: EventDraft) -> Event:
        request = pb.CreateEventRequest(organiser_id=organiser_id, draft=from_draft(draft))
        return to_event((await self._event.call(self._event.stub.CreateEvent, request)).event)

    async def update(self, organiser_id: str, event_id: str, draft: EventDraft) -> Event:
        request = pb.UpdateEventRequest(event_id=event_id, organiser_id=organiser_id, draft=from_draft(draft))
        return to_event((await self._event.call(self._event.stub.UpdateEvent, request)).event)

    async def delete(self, organiser_id: str, event_id: str) -> None:
        request = pb.DeleteEventRequest(event_id=event_id, organiser_id=organiser_id)
        await self._event.call(self._event.stub.DeleteEvent, request)

    async def publish(self, organiser_id: str, event_id: str) -> Event:
        request = pb.PublishEventRequest(event_id=event_id, organiser_id=organiser_id)
        return to_event((await self._event.call(self._event.stub.PublishEvent, request)).event)

    async def cancel(self, organiser_id: str, event_id: str, reason: str) -> Event:
        request = pb.CancelEventRequest(event_id=event_id, organiser_id=organiser_id, reason=reason)
        return to_event((await self._event.call(self._event.stub.CancelEvent, request)).event)


class PublicEvents:
    """Public events as they were a few seconds ago: what every buyer of an on-sale asks for, at the cost of one."""

    def __init__(self, events: EventClient) -> None:
        self._events = events
        self._known: Coalescing[tuple[Event, OnSale]] = Coalescing(
            self._load, name="events", found_s=FOUND_S, missing_s=MISSING_S, most=REMEMBERED
        )

    async def event(self, event_id: str) -> Event:
        return (await self._known.get(event_id))[0]

    async def on_sale(self, event_id: str) -> OnSale:
        return (await self._known.get(event_id))[1]

    def changed(self, event_id: str) -> None:
        """Its organiser has just changed it through us."""
        self._known.forget(event_id)

    async def close(self) -> None:
        await self._known.close()

    async def _load(self, event_id: str) -> tuple[Event, OnSale]:
        if not is_id(event_id):
            raise UnknownEvent
        try:
            event = to_event(await self._events.get(event_id, viewer_id=""))
        except PeerRefused as refused:
            if refused.reason == UnknownEvent.reason:
                raise UnknownEvent from refused
            raise
        if event.status == "draft":
            raise UnknownEvent
        return event, _on_sale(event)


def _on_sale(event: Event) -> OnSale:
    return OnSale(
        event_id=event.id,
        cancelled=event.status == "cancelled",
        sale_starts_at=event.sale_starts_at,
        max_per_booking=event.max_per_booking,
        sections=frozenset(section.id for section in event.sections),
        rows={(section.id, row.label): row.seats for section in event.sections for row in section.rows},
    )
