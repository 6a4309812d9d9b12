"""What a buyer asks for, what is held under a key, and the tickets it becomes."""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.kit.errors import Invalid
from services.kit.money import Money
from services.ticket.domain.refusals import TooManyPlaces, UnknownSeat

# No event allows more in one booking.
MOST_PLACES: Final = 50
WORD: Final = re.compile(r"[\x21-\x7e]{1,200}")
SEAT_ID: Final = re.compile(r"[A-Za-z0-9_]{1,20}-[A-Za-z0-9]{1,5}-[1-9][0-9]{0,3}")


class HoldState(enum.StrEnum):
    HELD = "held"
    SOLD = "sold"
    # Given back; the key can not be used any more.
    RELEASED = "released"
    # Its time was over and the places were freed; it lives again if they are still free.
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Place:
    """One place; seat_id is empty for standing room. The price is that of the moment it was held."""

    seat_id: str
    section_id: str
    label: str
    price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    key: str
    event_id: str
    user_id: str
    # Of the order: the same key with another order is refused.
    fingerprint: str
    places: tuple[Place, ...]
    state: HoldState
    # None while a payment is in flight, and in every state but held.
    expires_at: datetime | None = None

    @property
    def total(self) -> Money:
        total = self.places[0].price
        for place in self.places[1:]:
            total += place.price
        return total

    def having(self, state: HoldState, *, expires_at: datetime | None = None) -> Hold:
        return replace(self, state=state, expires_at=expires_at)


def tombstone(key: str, event_id: str) -> Hold:
    """Stands for a key that was released before it was reserved."""
    return Hold(key=key, event_id=event_id, user_id="", fingerprint="", places=(), state=HoldState.RELEASED)


@dataclass(frozen=True, slots=True)
class Quantity:
    section_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The places a buyer asks for, by name and by number."""

    key: str
    event_id: str
    user_id: str
    seat_ids: tuple[str, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    payment_in_flight: bool = False

    def check(self) -> None:
        """Refuses what no event could sell."""
        check_word("key", self.key)
        check_word("event_id", self.event_id)
        check_word("user_id", self.user_id)
        if any(one.quantity < 1 for one in self.quantities):
            raise Invalid("quantities: a quantity must be at least 1")
        if len(set(self.seat_ids)) != len(self.seat_ids):
            raise Invalid("seat_ids: a seat is named twice")
        if not self.places:
            raise Invalid("seat_ids, quantities: at least one place must be asked for")
        if self.places > MOST_PLACES:
            raise TooManyPlaces(MOST_PLACES)
        for seat_id in self.seat_ids:
            if SEAT_ID.fullmatch(seat_id) is None:
                raise UnknownSeat(ascii(seat_id[:40]))

    @property
    def places(self) -> int:
        return len(self.seat_ids) + sum(one.quantity for one in self.quantities)

    @property
    def fingerprint(self) -> str:
        """The same for the same places in whatever order they were named."""
        seats = sorted(self.seat_ids)
        quantities = sorted(f"{one.section_id}:{one.quantity}" for one in self.quantities)
        text = "\n".join((self.event_id, self.user_id, *seats, "", *quantities))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Sale:
    """Sell what the key holds."""

    key: str
    booking_id: str
    user_id: str

    def check(self) -> None:
        check_word("key", self.key)
        check_word("booking_id", self.booking_id)
        check_word("user_id", self.user_id)


@dataclass(frozen=True, slots=True)
class Extension:
    """Let the key's hold live until then."""

    key: str
    until: datetime


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Free what the key holds or bought. The event is only needed for a key that nobody knows yet."""

    key: str
    event_id: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to one place of a sold hold; `ordinal` is the place's position in it."""

    ticket_id: str
    hold_key: str
    ordinal: int
    event_id: str
    booking_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class SignedTicket:
    ticket: Ticket
    # Compact JWS: what the QR code shows.
    qr_payload: str


def check_word(field: str, text: str) -> None:
    if WORD.fullmatch(text) is None:
        raise Invalid(f"{field}: must be 1 to 200 printable ASCII characters without spaces")


def seat_parts(seat_id: str) -> tuple[str, str, str]:
    """Section, row label and number of a well-formed seat id."""
    section_id, row, number = seat_id.split("-")
    return section_id, row, number


def keys_of(asked: Sequence[Order | Sale | Extension | GiveBack]) -> list[str]:
    return [one.key for one in asked]
