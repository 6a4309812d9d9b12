"""From the API's JSON to what was said."""

from tests.load.sale import wire
from tests.load.sale.evidence import Place, Said


def said(booking: wire.Booking) -> Said:
    return Said(
        status=booking.status,
        event_id=booking.event_id,
        reason=booking.reason or "",
        tickets=tuple(map(_place, booking.tickets)),
        total=None if booking.total is None else booking.total.amount,
    )


def _place(ticket: wire.Ticket) -> Place:
    return Place(ticket.place.section_id, ticket.place.seat_id or "")
