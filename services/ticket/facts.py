"""What became true of an event's places, as the facts of topic `seats`."""

from collections.abc import Iterable
from typing import Final

from protos.gen import messages_pb2 as messages
from services.kit.database.outbox import Outgoing
from services.ticket.domain.stock import Move

TOPIC: Final = "seats"


def seats_changed(
    event_id: str, version: int, moves: Iterable[Move], counts: Iterable[messages.SectionCount]
) -> Outgoing:
    """The change from the version before to this one."""
    seats = [messages.SeatState(seat_id=move.seat_id, state=move.after) for move in moves]
    body = messages.SeatsChanged(event_id=event_id, version=version, seats=seats, sections=counts)
    return Outgoing(topic=TOPIC, key=event_id, body=body)


def section_count(section_id: str, *, capacity: int, held: int, sold: int) -> messages.SectionCount:
    return messages.SectionCount(section_id=section_id, free=capacity - held - sold, held=held, sold=sold)
