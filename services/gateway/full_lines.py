"""Lines that were full a moment ago: in a rush most orders meet one, and are told so without asking the store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

# Some hundred orders are decided in that time, and as many places are free again.
REMEMBERED: Final = timedelta(seconds=0.25)


class FullLines:
    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def note(self, event_id: str, *, now: datetime) -> None:
        """The store has just said so."""
        self._until = {event: until for event, until in self._until.items() if until > now}
        self._until[event_id] = now + REMEMBERED

    def has(self, event_id: str, *, now: datetime) -> bool:
        until = self._until.get(event_id)
        return until is not None and now < until
