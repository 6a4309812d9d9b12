"""What can be known from outside: what buyers were told, and what API, mailbox and PSP say afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

CONFIRMED: Final = "confirmed"
REJECTED: Final = "rejected"
AWAITING_PAYMENT: Final = "awaiting_payment"
CANCELLED: Final = "cancelled"
# Nothing more happens to these unless somebody acts.
DECIDED: Final = frozenset({CONFIRMED, REJECTED, AWAITING_PAYMENT, CANCELLED})


@dataclass(frozen=True, slots=True)
class Place:
    section_id: str
    # Empty for standing room.
    seat_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody says of a booking: its status, the places it has, and the tickets when it is confirmed."""

    status: str
    event_id: str = ""
    reason: str = ""
    tickets: tuple[Place, ...] = ()
    places: tuple[Place, ...] = ()
    # Minor units; None when nothing is said of it.
    total: int | None = None
    # Whether it says what the buyer has to do.
    says_what_to_do: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One order, as its buyer lived it."""

    event_id: str
    # Idempotency-Key of the order.
    key: str = ""
    # Empty: refused at the door.
    booking_id: str = ""
    refused: str = ""
    # The last that the buyer was told: on the socket or, for a cancellation, as the answer to it.
    told: Said | None = None
    # Everything the socket said of it, in order.
    statuses: tuple[str, ...] = ()
    # False: the buyer closed the socket and left; nothing could be told.
    listened: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    capacity: int
    held: int
    sold: int
    sold_seats: frozenset[str] = frozenset()


type Inventory = Mapping[tuple[str, str], Section]


@dataclass(frozen=True, slots=True)
class Mail:
    booking_id: str
    # The same for the same mail, however often it is sent.
    message_id: str
    # Tickets, a cancellation … each booking has one of a kind.
    kind: str = ""
    # How often the mailbox was given it.
    deliveries: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A charge at the PSP."""

    id: str
    booking_id: str
    succeeded: bool
    amount: int
    refunded: int = 0

    @property
    def kept(self) -> int:
        """Money that the buyer does not have any more."""
        return self.amount - self.refunded if self.succeeded else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    stories: Sequence[Story]
    # Booking id → what the API says in the end; also of bookings that no buyer knows of.
    bookings: Mapping[str, Said]
    # (event, section) → its counts before and after.
    before: Inventory = field(default_factory=dict)
    after: Inventory = field(default_factory=dict)
    intents: Sequence[Intent] = ()
    # None: mails were not waited for.
    mails: Sequence[Mail] | None = None
