"""Holds and tickets as their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Row

from services.kit.money import Money
from services.ticket.domain.hold import Hold, HoldState, Place, Ticket

# Each is [seat_id, section_id, label, price in minor units].
_PLACES: Final = msgspec.json.Decoder(list[tuple[str, str, str, int]])
_ENCODE: Final = msgspec.json.Encoder().encode


def hold_of(row: Row[Any]) -> Hold:  # the driver's own type
    prices: dict[int, Money] = {}
    places = tuple(
        Place(seat_id, section_id, label, prices.setdefault(minor, Money(minor, row.currency)))
        for seat_id, section_id, label, minor in _PLACES.decode(row.places)
    )
    return Hold(
        key=row.key,
        event_id=row.event_id,
        user_id=row.user_id,
        fingerprint=row.fingerprint,
        places=places,
        state=HoldState(row.state),
        expires_at=row.expires_at,
    )


def hold_row(hold: Hold) -> dict[str, object]:
    return {
        "key": hold.key,
        "event_id": hold.event_id,
        "user_id": hold.user_id,
        "fingerprint": hold.fingerprint,
        "places": [(one.seat_id, one.section_id, one.label, one.price.minor) for one in hold.places],
        "currency": hold.places[0].price.currency if hold.places else "",
        "state": hold.state,
        "expires_at": hold.expires_at,
    }


def ticket_row(ticket: Ticket) -> dict[str, object]:
    return {
        "hold_key": ticket.hold_key,
        "ordinal": ticket.ordinal,
        "ticket_id": ticket.ticket_id,
        "event_id": ticket.event_id,
        "section_id": ticket.place.section_id,
        "seat_id": ticket.place.seat_id,
        "booking_id": ticket.booking_id,
    }


def as_json(rows: Sequence[Mapping[str, object]]) -> str:
    return _ENCODE(rows).decode()
