"""How an order came through the line of its event."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    number: int
    queued_at: datetime
    taken_at: datetime
