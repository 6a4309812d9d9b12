"""The public API's JSON, as much of it as a buyer reads. What is not named here is skipped by the decoder."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw, Struct


class Money(Struct, frozen=True):
    amount: int
    currency: str = ""


class Place(Struct, frozen=True):
    section_id: str
    seat_id: str | None = None


class Ticket(Struct, frozen=True):
    place: Place


class NextAction(Struct, frozen=True):
    type: str = ""
    url: str = ""


class Booking(Struct, frozen=True):
    """The same of the API and of the socket."""

    id: str
    event_id: str
    status: str
    reason: str | None = None
    places: list[Place] = []
    tickets: list[Ticket] = []
    total: Money | None = None
    next_action: NextAction | None = None


class Placed(Struct, frozen=True):
    booking: Booking


class Bookings(Struct, frozen=True):
    items: list[Booking]
    next_cursor: str | None = None


class Problem(Struct, frozen=True):
    reason: str = ""
    detail: str = ""
    retry_after_s: float | None = None


class Account(Struct, frozen=True):
    id: str


class Tokens(Struct, frozen=True):
    access_token: str
    refresh_token: str


class Session(Struct, frozen=True):
    account: Account
    tokens: Tokens


class Renewed(Struct, frozen=True):
    tokens: Tokens


class Row(Struct, frozen=True):
    label: str
    seats: int


class EventSection(Struct, frozen=True):
    id: str
    kind: str
    capacity: int
    rows: list[Row] = []


class Event(Struct, frozen=True):
    id: str
    title: str = ""
    max_per_booking: int = 10
    sections: list[EventSection] = []


class Events(Struct, frozen=True):
    items: list[Event]
    next_cursor: str | None = None


class Seat(Struct, frozen=True):
    id: str
    state: str


class SectionSeats(Struct, frozen=True):
    id: str
    capacity: int
    free: int
    held: int
    sold: int
    seats: list[Seat] = []


class Seats(Struct, frozen=True):
    version: int
    sections: list[SectionSeats]


class Message(Struct, frozen=True):
    """What a socket brings; `id` is the cursor to come back with."""

    type: str = ""
    id: str = ""
    data: Raw = Raw(b"{}")


class Ready(Struct, frozen=True):
    """The first message of a socket."""

    cursor: str = ""


class Letter(Struct, frozen=True):
    id: str
    message_id: str = ""
    headers: dict[str, str] = {}
    deliveries: int = 1


class PspIntent(Struct, frozen=True):
    id: str
    status: str
    amount: int
    amount_refunded: int = 0
    metadata: dict[str, str] = {}


class PspPage(Struct, frozen=True):
    data: list[PspIntent]
    has_more: bool = False


read_message: Final = msgspec.json.Decoder(Message).decode
read_booking: Final = msgspec.json.Decoder(Booking).decode
read_placed: Final = msgspec.json.Decoder(Placed).decode
