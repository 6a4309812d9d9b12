"""Which places are free, on the wire."""

from typing import Annotated, Literal

from msgspec import Meta

from services.gateway.models.common import Request, Response, text
from services.gateway.models.events import Kind


class SeatsQuery(Request, frozen=True):
    section: Annotated[str, text(0, 64, "Only this section; without it, all.")] = ""


class Seat(Response, frozen=True):
    id: Annotated[str, Meta(description="`<section>-<row>-<number>`: what a booking asks for.", examples=["A-3-12"])]
    row: str
    number: int
    state: Literal["free", "held", "sold"]


class SectionSeats(Response, frozen=True, kw_only=True):
    id: str
    name: str
    kind: Kind
    tier_id: str
    capacity: int
    free: int
    held: int
    sold: int
    seats: Annotated[list[Seat], Meta(description="Empty for standing room.")]


class Seats(Response, frozen=True):
    """A snapshot; it may be half a second old."""

    event_id: str
    version: Annotated[int, Meta(description="Grows with every change of the event's places.")]
    sections: list[SectionSeats]
