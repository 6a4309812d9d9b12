"""Events: found by buyers, made and published by organisers."""

from collections.abc import Sequence
from typing import Final

from services.gateway.clients.attendees import AttendeeClient
from services.gateway.clients.events import EventClient, PublicEvents
from services.gateway.edge.operation import (
    Answer,
    AnyOperation,
    Auth,
    Call,
    Forbidden,
    Header,
    MissingToken,
    Nothing,
    Operation,
)
from services.gateway.models.attendees import Attendees
from services.gateway.models.common import PageQuery
from services.gateway.models.events import CancelEvent, Event, EventDraft, EventQuery, Events
from services.gateway.routes.examples import EVENT
from services.gateway.routes.venues import ORGANISERS

TAG: Final = "events"
_ONE: Final = "/api/v1/events/{id}"
_MISSING: Final = "unknown-event"


class EventRoutes:
    def __init__(self, events: EventClient, public: PublicEvents, attendees: AttendeeClient) -> None:
        self._events, self._public, self._attendees = events, public, attendees

    def operations(self) -> Sequence[AnyOperation]:
        return (
            Operation(
                method="GET",
                path="/api/v1/events",
                tag=TAG,
                summary="Find events",
                description="Published ones in order of their start; `mine` finds an organiser's own, drafts too.",
                run=self.search,
                body=Nothing,
                query=EventQuery,
                answer=Events,
                auth=Auth.OPTIONAL,
                errors=("bad-page-token", "missing-token", "forbidden"),
            ),
            Operation(
                method="POST",
                path="/api/v1/events",
                tag=TAG,
                summary="Make a draft",
                run=self.create,
                body=EventDraft,
                query=Nothing,
                answer=Event,
                status=201,
                roles=ORGANISERS,
                errors=("unknown-venue",),
                answer_headers=(Header(name="Location", description="Where it is now."),),
                example=EVENT,
            ),
            Operation(
                method="GET",
                path=_ONE,
                tag=TAG,
                summary="An event with its layout and prices",
                description="A draft is seen by its organiser only.",
                run=self.event,
                body=Nothing,
                query=Nothing,
                answer=Event,
                auth=Auth.OPTIONAL,
                missing=_MISSING,
            ),
            Operation(
                method="PUT",
                path=_ONE,
                tag=TAG,
                summary="Replace a draft",
                run=self.update,
                body=EventDraft,
                query=Nothing,
                answer=Event,
                roles=ORGANISERS,
                missing=_MISSING,
                errors=("event-not-draft", "unknown-venue"),
                example=EVENT,
            ),
            Operation(
                method="DELETE",
                path=_ONE,
                tag=TAG,
                summary="Delete a draft",
                description="Deleting one that is gone already succeeds.",
                run=self.delete,
                body=Nothing,
                query=Nothing,
                answer=None,
                status=204,
                roles=ORGANISERS,
                missing=_MISSING,
                errors=("event-not-draft",),
            ),
            Operation(
                method="POST",
                path=f"{_ONE}/publish",
                tag=TAG,
                summary="Put a draft on sale",
                description="Its places can be bought a moment later.",
                run=self.publish,
                body=Nothing,
                query=Nothing,
                answer=Event,
                roles=ORGANISERS,
                missing=_MISSING,
                errors=("event-without-seats", "section-without-price", "event-in-the-past", "event-cancelled"),
            ),
            Operation(
                method="POST",
                path=f"{_ONE}/cancel",
                tag=TAG,
                summary="End the sale for good",
                description="Every booking is cancelled and refunded.",
                run=self.cancel,
                body=CancelEvent,
                body_required=False,
                query=Nothing,
                answer=Event,
                roles=ORGANISERS,
                missing=_MISSING,
                errors=("event-not-published",),
                example={"reason": "The band is ill."},
            ),
            Operation(
                method="GET",
                path=f"{_ONE}/attendees",
                tag=TAG,
                summary="Who comes",
                description=(
                    "For the event's organiser, and nobody else: confirmed bookings with the names of those who made "
                    "them, in the order they ordered. What the QR codes say is not among it. A list that is read "
                    "while the sale goes on has everybody who was confirmed before its first page was asked for."
                ),
                run=self.attendees,
                body=Nothing,
                query=PageQuery,
                answer=Attendees,
                missing=_MISSING,
                errors=("bad-page-token",),
            ),
        )

    async def search(self, call: Call[None, EventQuery]) -> Answer:
        organiser_id = ""
        if call.query.mine:
            if call.caller is None:
                raise MissingToken
            if not ORGANISERS & call.caller.roles:
                raise Forbidden
            organiser_id = call.caller.user_id
        return Answer(body=await self._events.search(call.query, organiser_id=organiser_id))

    async def event(self, call: Call[None, None]) -> Answer:
        event_id = call.ids["id"]
        if call.caller is not None and ORGANISERS & call.caller.roles:
            return Answer(body=await self._events.event(event_id, viewer_id=call.caller.user_id))
        return Answer(body=await self._public.event(event_id))

    async def attendees(self, call: Call[None, PageQuery]) -> Answer:
        event_id, page = call.ids["id"], call.query
        found = await self._attendees.of_event(
            event_id, organiser_id=call.user_id, limit=page.limit, cursor=page.cursor
        )
        return Answer(body=found)

    async def create(self, call: Call[EventDraft, None]) -> Answer:
        event = await self._events.create(call.user_id, call.body)
        return Answer(body=event, headers={"Location": f"/api/v1/events/{event.id}"})

    async def update(self, call: Call[EventDraft, None]) -> Answer:
        return Answer(body=await self._events.update(call.user_id, call.ids["id"], call.body))

    async def delete(self, call: Call[None, None]) -> Answer:
        await self._events.delete(call.user_id, call.ids["id"])
        return Answer()

    async def publish(self, call: Call[None, None]) -> Answer:
        event = await self._events.publish(call.user_id, call.ids["id"])
        self._public.changed(event.id)
        return Answer(body=event)

    async def cancel(self, call: Call[CancelEvent, None]) -> Answer:
        event = await self._events.cancel(call.user_id, call.ids["id"], call.body.reason)
        self._public.changed(event.id)
        return Answer(body=event)
