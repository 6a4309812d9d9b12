"""What the inventory promises about itself, and a hold as somebody else's books are compared with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

SEATS_OVERSOLD: Final = "seats_oversold"
ONE_OWNER: Final = "seats_without_one_owner"
COUNTS_DRIFTED: Final = "seat_counts_drifted"
TICKETS_OFF_SALE: Final = "tickets_off_sale"
HOLDS_OVERDUE: Final = "holds_overdue"

PROMISES: Final = {
    SEATS_OVERSOLD: "held and sold places of a section are never more than it has",
    ONE_OWNER: "a seat that is not free has exactly one live owner, who holds or bought that seat",
    COUNTS_DRIFTED: "the counters of a section are what its holds add up to",
    TICKETS_OFF_SALE: "there is one valid ticket for each sold place, and none for any other",
    HOLDS_OVERDUE: "no hold is older than its expiry",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A hold that has places."""

    key: str
    event_id: str
    # Else held.
    sold: bool
    places: int
    # Valid ones.
    tickets: int
    made_at: datetime
