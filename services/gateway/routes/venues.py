"""Venues of an organiser."""

from collections.abc import Sequence
from typing import Final

from services.gateway.clients.events import EventClient
from services.gateway.edge.operation import Answer, AnyOperation, Call, Header, Nothing, Operation
from services.gateway.models.common import PageQuery
from services.gateway.models.events import Venue, VenueDraft, Venues
from services.gateway.routes.examples import VENUE

TAG: Final = "venues"
ORGANISERS: Final = frozenset(("organiser", "admin"))


class VenueRoutes:
    def __init__(self, events: EventClient) -> None:
        self._events = events

    def operations(self) -> Sequence[AnyOperation]:
        return (
            Operation(
                method="GET",
                path="/api/v1/venues",
                tag=TAG,
                summary="Your venues",
                run=self.venues,
                body=Nothing,
                query=PageQuery,
                answer=Venues,
                roles=ORGANISERS,
                errors=("bad-page-token",),
            ),
            Operation(
                method="POST",
                path="/api/v1/venues",
                tag=TAG,
                summary="Add a venue",
                run=self.create,
                body=VenueDraft,
                query=Nothing,
                answer=Venue,
                status=201,
                roles=ORGANISERS,
                answer_headers=(Header(name="Location", description="Where it is now."),),
                example=VENUE,
            ),
            Operation(
                method="GET",
                path="/api/v1/venues/{id}",
                tag=TAG,
                summary="A venue of yours, with its layout",
                run=self.venue,
                body=Nothing,
                query=Nothing,
                answer=Venue,
                roles=ORGANISERS,
                missing="unknown-venue",
            ),
        )

    async def venues(self, call: Call[None, PageQuery]) -> Answer:
        page = await self._events.venues(call.user_id, limit=call.query.limit, cursor=call.query.cursor)
        return Answer(body=page)

    async def create(self, call: Call[VenueDraft, None]) -> Answer:
        venue = await self._events.create_venue(call.user_id, call.body)
        return Answer(body=venue, headers={"Location": f"/api/v1/venues/{venue.id}"})

    async def venue(self, call: Call[None, None]) -> Answer:
        return Answer(body=await self._events.venue(call.user_id, call.ids["id"]))
