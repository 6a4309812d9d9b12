"""Who gets which places: orders decided one by one, in the order they arrived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from services.kit.errors import Refusal
from services.ticket.domain.event import Event, Locked, SectionKind
from services.ticket.domain.hold import Hold, HoldState, Order, seat_parts
from services.ticket.domain.refusals import (
    EventCancelled,
    HoldReleased,
    KeyReused,
    SaleNotOpen,
    SeatTaken,
    TooManyPlaces,
    UnknownEvent,
)
from services.ticket.domain.stock import Asked, At, Stock

# How many more of the frontmost seats are looked at than are asked for, so that neighbours are found.
SPARE: Final = 256
# … and when that was not enough to seat everybody together.
WIDE: Final = 4096


def asked_by(
    orders: Sequence[Order], locked: Locked, holds: Mapping[str, Hold], *, wide: frozenset[At] = frozenset()
) -> Asked:
    """The places that must be known to decide these orders; in sections of `wide`, the longer view of the front."""
    asked = Asked()
    named: dict[At, int] = defaultdict(int)
    wanted: dict[At, int] = defaultdict(int)
    for order in orders:
        sale = locked.events.get(order.event_id)
        if order.key in holds:
            add_lost_places(asked, holds[order.key])
            for place in holds[order.key].places:
                named[order.event_id, place.section_id] += 1
        elif sale is not None:
            for seat_id in order.seat_ids:
                asked.seats.add((order.event_id, seat_id))
                named[order.event_id, seat_parts(seat_id)[0]] += 1
            for one in order.quantities:
                _add_quantity(asked, wanted, sale.event, one.section_id, one.quantity)
    for at, quantity in wanted.items():
        asked.front[at] = quantity + named[at] + (WIDE if at in wide else SPARE)
    return asked


def _add_quantity(asked: Asked, wanted: dict[At, int], event: Event, section_id: str, quantity: int) -> None:
    at = (event.event_id, section_id)
    section = event.sections.get(section_id)
    if section is None:
        return
    if section.kind is SectionKind.STANDING:
        asked.standing.add(at)
    else:
        wanted[at] += quantity


def add_lost_places(asked: Asked, hold: Hold) -> None:
    """The places that an expired hold would need again."""
    if hold.state is HoldState.EXPIRED:
        for place in hold.places:
            if place.seat_id:
                asked.seats.add((hold.event_id, place.seat_id))
            else:
                asked.standing.add((hold.event_id, place.section_id))


def reserve(
    orders: Sequence[Order], *, locked: Locked, holds: Mapping[str, Hold], stock: Stock, lasts: timedelta
) -> Sequence[Hold | Refusal]:
    """One outcome an order; what was decided is in `stock.changes`."""
    known = dict(holds)
    expiry = locked.now + lasts
    outcomes: list[Hold | Refusal] = []
    for order in orders:
        try:
            hold = _reserve_one(order, locked, known.get(order.key), stock, expiry)
        except Refusal as refusal:
            outcomes.append(refusal)
        else:
            known[order.key] = hold
            outcomes.append(hold)
    return outcomes


def _reserve_one(order: Order, locked: Locked, known: Hold | None, stock: Stock, expiry: datetime) -> Hold:
    expires_at = None if order.payment_in_flight else expiry
    if known is not None:
        return _again(order, known, locked, stock, expires_at)
    event = _open_event(order, locked)
    hold = Hold(
        key=order.key,
        event_id=order.event_id,
        user_id=order.user_id,
        fingerprint=order.fingerprint,
        places=stock.take(order, event),
        state=HoldState.HELD,
        expires_at=expires_at,
    )
    stock.add(hold)
    return hold


def _open_event(order: Order, locked: Locked) -> Event:
    sale = locked.events.get(order.event_id)
    if sale is None:
        raise UnknownEvent
    if sale.cancelled:
        raise EventCancelled
    event = sale.event
    if event.sale_starts_at is not None and event.sale_starts_at > locked.now:
        raise SaleNotOpen
    if order.places > event.max_per_booking:
        raise TooManyPlaces(event.max_per_booking)
    return event


def _again(order: Order, known: Hold, locked: Locked, stock: Stock, expires_at: datetime | None) -> Hold:
    """The same key once more: the same hold, as long as it is the same order."""
    if known.state is HoldState.RELEASED:
        raise HoldReleased
    if known.fingerprint != order.fingerprint:
        raise KeyReused
    if known.state is HoldState.SOLD or (known.state is HoldState.HELD and not _is_over(known, locked.now)):
        return known
    _open_event(order, locked)
    if known.state is HoldState.EXPIRED and not stock.take_again(known):
        raise SeatTaken(place.seat_id or place.section_id for place in known.places)
    renewed = known.having(HoldState.HELD, expires_at=expires_at)
    stock.change(known, renewed)
    return renewed


def _is_over(hold: Hold, now: datetime) -> bool:
    return hold.expires_at is not None and hold.expires_at <= now
