"""An order of which only the line knows, as its buyer is told about it."""

from datetime import datetime
from typing import Any

from protos.timeline import sentence
from services.gateway.domain import Queued
from services.gateway.models.bookings import Booking, QueuePosition, Timeline, TimelineEntry


def waiting(queued: Queued) -> Booking:
    """A booking of which only the line knows."""
    line = queued.line
    position = QueuePosition(number=line.number, now_serving=line.now_serving, ahead=line.ahead)
    return Booking(
        id=queued.booking_id,
        event_id=queued.event_id,
        status=queued.status,
        reason=queued.reason or ("cancelled-by-buyer" if queued.cancelled else None),
        queue=position if queued.status in {"queued", "cancelling"} else None,
        created_at=queued.queued_at,
        updated_at=queued.queued_at,
    )


def timeline_of(queued: Queued, *, now: datetime) -> Timeline:
    """What the line knows of an order."""
    entries = [_entry("queued", at=queued.queued_at, number=queued.line.number)]
    if queued.status == "queued" and not queued.line.is_served:
        entries.append(_entry("waiting", at=now, number=queued.line.number, ahead=queued.line.ahead))
    else:
        entries.append(_entry("left-line", at=None, reason=waiting(queued).reason))
    return Timeline(booking_id=queued.booking_id, status=queued.status, trace_id=None, entries=entries)


def _entry(code: str, **more: Any) -> TimelineEntry:
    return TimelineEntry(code=code, sentence=sentence(code), **more)
