"""From the API's JSON to what was said."""

from tests.load.sale import wire
from tests.load.sale.evidence import Place, Said


def said(booking: wire.Booking) -> Said:
    """The same of a booking from the API and from the socket, which writes its status in capitals."""
    return Said(
        status=booking.status.lower(),
        event_id=booking.event_id,
        reason=booking.reason or "",
        tickets=tuple(map(_place, booking.tickets)),
        total=None if booking.total is None else booking.total.amount,
    )


def _place(ticket: wire.Ticket) -> Place:
    at = ticket.place or ticket
    return Place(at.section_id, at.seat_id or "")
