"""Which places of an event are free, and what they cost."""

from collections.abc import Sequence
from typing import Final

from services.gateway.clients.tickets import TicketClient
from services.gateway.edge.operation import Answer, AnyOperation, Auth, Call, Header, Nothing, Operation
from services.gateway.models.events import Pricing
from services.gateway.models.seats import Seats, SeatsQuery

TAG: Final = "events"
# Below this the header costs more than compressing saves.
_WORTH_IT: Final = 1024


class SeatRoutes:
    def __init__(self, tickets: TicketClient) -> None:
        self._tickets = tickets

    def operations(self) -> Sequence[AnyOperation]:
        return (
            Operation(
                method="GET",
                path="/api/v1/events/{id}/seats",
                tag=TAG,
                summary="Which places are free",
                description="At most half a second old. Send If-None-Match with the ETag to hear only of changes.",
                run=self.seats,
                body=Nothing,
                query=SeatsQuery,
                answer=Seats,
                also={304: "Nothing has changed since that ETag."},
                auth=Auth.NONE,
                missing="unknown-event",
                errors=("unknown-section",),
                request_headers=(Header(name="If-None-Match", description="An ETag from an earlier answer."),),
                answer_headers=(Header(name="ETag", description="Names this version."),),
            ),
            Operation(
                method="GET",
                path="/api/v1/events/{id}/pricing",
                tag=TAG,
                summary="What the places cost",
                run=self.pricing,
                body=Nothing,
                query=Nothing,
                answer=Pricing,
                auth=Auth.NONE,
                missing="unknown-event",
            ),
        )

    async def seats(self, call: Call[None, SeatsQuery]) -> Answer:
        section = call.query.section
        snapshot = await self._tickets.seats(call.ids["id"])
        body = snapshot.encoded(section)
        etag = f'W/"{snapshot.version}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if _matches(call.headers.get("If-None-Match", ""), etag):
            return Answer(status=304, headers=headers)
        if len(body) >= _WORTH_IT and "gzip" in call.headers.get("Accept-Encoding", ""):
            body = await snapshot.zipped(section)
            headers["Content-Encoding"] = "gzip"
        return Answer(encoded=body, headers=headers)

    async def pricing(self, call: Call[None, None]) -> Answer:
        return Answer(body=await self._tickets.pricing(call.ids["id"]), headers={"Cache-Control": "no-cache"})


def _matches(asked: str, etag: str) -> bool:
    """Weak comparison, as RFC 9110 wants it for GET."""
    known = etag.removeprefix("W/")
    return any(tag.strip().removeprefix("W/") in (known, "*") for tag in asked.split(","))
