"""Who comes to an event, on the wire: what its organiser needs at the door and no more."""

from typing import Annotated

from msgspec import Meta

from services.gateway.models.bookings import Place
from services.gateway.models.common import Response, Time


class AttendeeTicket(Response, frozen=True):
    """A valid ticket, without what its QR code says."""

    id: Annotated[str, Meta(description="Printed on the ticket, and inside its QR code.")]
    place: Place


class Attendee(Response, frozen=True, kw_only=True):
    """A confirmed booking."""

    booking_id: str
    name: Annotated[str, Meta(description="Of whoever booked; empty when there is no profile any more.")]
    tickets: list[AttendeeTicket]
    ordered_at: Time


class Attendees(Response, frozen=True):
    items: list[Attendee]
    next_cursor: str | None
