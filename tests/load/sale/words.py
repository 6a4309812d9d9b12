"""From the API's JSON to what was said."""

from tests.load.sale import wire
from tests.load.sale.evidence import Place, Said


def said(booking: wire.Booking) -> Said:
    return Said(
        status=booking.status,
        event_id=booking.event_id,
        reason=booking.reason or "",
        tickets=tuple(_place(ticket.place) for ticket in booking.tickets),
        places=tuple(map(_place, booking.places)),
        says_what_to_do=booking.next_action is not None,
        total=None if booking.total is None else booking.total.amount,
    )


def _place(place: wire.Place) -> Place:
    return Place(place.section_id, place.seat_id or "")
