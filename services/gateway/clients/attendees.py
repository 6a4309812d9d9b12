"""Who comes to an event: the event says whose it is, booking who has tickets, user what they are called."""

from __future__ import annotations

from protos.gen import booking_pb2 as pb
from protos.gen import user_pb2 as users
from services.gateway.clients.bookings import to_place
from services.gateway.clients.events import EventClient
from services.gateway.clients.peers import Peers
from services.gateway.clients.wire import get_time
from services.gateway.domain import UnknownEvent
from services.gateway.models.attendees import Attendee, Attendees, AttendeeTicket


class AttendeeClient:
    def __init__(self, peers: Peers, events: EventClient) -> None:
        self._booking, self._user, self._events = peers.booking, peers.user, events

    async def of_event(self, event_id: str, *, organiser_id: str, limit: int, cursor: str) -> Attendees:
        """A page of them, in the order they ordered. Refuses UnknownEvent when it is not this organiser's."""
        if (await self._events.get(event_id, viewer_id=organiser_id)).organiser_id != organiser_id:
            raise UnknownEvent
        request = pb.ListAttendeesRequest(event_id=event_id, page_size=limit, page_token=cursor)
        page = await self._booking.call(self._booking.stub.ListAttendees, request)
        names = await self._names({one.user_id for one in page.attendees})
        return Attendees([_attendee(one, names) for one in page.attendees], page.next_page_token or None)

    async def _names(self, user_ids: set[str]) -> dict[str, str]:
        if not user_ids:
            return {}
        request = users.GetNamesRequest(user_ids=sorted(user_ids))
        return dict((await self._user.call(self._user.stub.GetNames, request)).names)


def _attendee(attendee: pb.Attendee, names: dict[str, str]) -> Attendee:
    return Attendee(
        booking_id=attendee.booking_id,
        name=names.get(attendee.user_id, ""),
        tickets=[AttendeeTicket(one.ticket_id, to_place(one.place)) for one in attendee.tickets],
        ordered_at=get_time(attendee.ordered_at),
    )
