"""What is read of bookings, as messages of booking.proto."""

from protos import timeline as words
from protos.gen import booking_pb2 as pb
from services.booking.domain import Booking
from services.booking.facts import money, place
from services.booking.timeline import Entry, Timeline


def timeline_message(timeline: Timeline) -> pb.GetTimelineResponse:
    booking = timeline.booking
    return pb.GetTimelineResponse(
        booking_id=booking.id,
        status=pb.BookingStatus.Value(booking.status.value),
        trace_id=timeline.trace_id,
        entries=map(_entry, timeline.entries),
    )


def attendee_message(booking: Booking) -> pb.Attendee:
    """Without what the QR codes say: whoever has that can come in."""
    message = pb.Attendee(booking_id=booking.id, user_id=booking.order.user_id)
    for one in booking.tickets:
        message.tickets.add(ticket_id=one.ticket_id, event_id=booking.order.event_id, place=place(one.place))
    message.ordered_at.FromDatetime(booking.created_at)
    return message


def _entry(entry: Entry) -> pb.TimelineEntry:
    message = pb.TimelineEntry(
        code=entry.code,
        sentence=words.sentence(entry.code),
        reason=entry.reason,
        about=entry.about,
        number=entry.number,
        attempt=entry.attempt,
        amount=money(entry.amount),
    )
    message.at.FromDatetime(entry.at)
    if entry.until is not None:
        message.until.FromDatetime(entry.until)
    return message
