"""What becomes of a hold: sold, extended, given back, or over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from services.kit.errors import Refusal
from services.ticket.domain.event import Locked
from services.ticket.domain.hold import Extension, GiveBack, Hold, HoldState, Sale, Ticket, tombstone
from services.ticket.domain.refusals import EventCancelled, HoldExpired, HoldReleased, UnknownHold
from services.ticket.domain.reserving import add_lost_places
from services.ticket.domain.stock import FREE, OCCUPIES, Asked, Stock


def asked_by_keys(holds: Mapping[str, Hold]) -> Asked:
    """The places that must be known before these holds may live again."""
    asked = Asked()
    for hold in holds.values():
        add_lost_places(asked, hold)
    return asked


def sell(
    sales: Sequence[Sale],
    *,
    locked: Locked,
    holds: Mapping[str, Hold],
    tickets: Mapping[str, Sequence[Ticket]],
    stock: Stock,
    new_id: Callable[[], str],
) -> Sequence[Sequence[Ticket] | Refusal]:
    """The tickets of each, or why not; `tickets` are those issued before. Decided in `stock.changes`."""
    known, issued = dict(holds), dict(tickets)
    outcomes: list[Sequence[Ticket] | Refusal] = []
    for sale in sales:
        try:
            hold = _own(known.get(sale.key), sale.user_id)
            if hold.state is not HoldState.SOLD:
                known[sale.key] = _kept(hold, HoldState.SOLD, None, locked, stock)
                issued[sale.key] = _issue(hold, sale.booking_id, new_id)
                stock.changes.issued += issued[sale.key]
            outcomes.append(issued[sale.key])
        except Refusal as refusal:
            outcomes.append(refusal)
    return outcomes


def extend(
    extensions: Sequence[Extension], *, locked: Locked, holds: Mapping[str, Hold], stock: Stock
) -> Sequence[Hold | Refusal]:
    """Each hold as it is now, or why not. One that is sold has no end to move."""
    known = dict(holds)
    outcomes: list[Hold | Refusal] = []
    for extension in extensions:
        try:
            hold = _live(known.get(extension.key))
            if hold.state is not HoldState.SOLD:
                hold = known[hold.key] = _kept(hold, HoldState.HELD, extension.until, locked, stock)
            outcomes.append(hold)
        except Refusal as refusal:
            outcomes.append(refusal)
    return outcomes


def give_back(asked: Sequence[GiveBack], *, holds: Mapping[str, Hold], stock: Stock) -> Sequence[int]:
    """How many places each freed. A key that nobody knows is remembered as released."""
    known = dict(holds)
    freed: list[int] = []
    for one in asked:
        hold = known.get(one.key)
        if hold is None:
            known[one.key] = tombstone(one.key, one.event_id)
            stock.add(known[one.key])
            freed.append(0)
        elif hold.state is HoldState.RELEASED:
            freed.append(0)
        else:
            known[one.key] = hold.having(HoldState.RELEASED)
            stock.change(hold, known[one.key])
            if hold.state is HoldState.SOLD:
                stock.changes.void.append(hold.key)
            freed.append(0 if OCCUPIES[hold.state] == FREE else len(hold.places))
    return freed


def let_expire(*, locked: Locked, holds: Mapping[str, Hold], stock: Stock) -> int:
    """Free those of the holds that are over; how many that were."""
    over = [
        hold
        for hold in holds.values()
        if hold.state is HoldState.HELD and hold.expires_at is not None and hold.expires_at <= locked.now
    ]
    for hold in over:
        stock.change(hold, hold.having(HoldState.EXPIRED))
    return len(over)


def _own(hold: Hold | None, user_id: str) -> Hold:
    live = _live(hold)
    if live.user_id != user_id:
        raise UnknownHold
    return live


def _live(hold: Hold | None) -> Hold:
    if hold is None:
        raise UnknownHold
    if hold.state is HoldState.RELEASED:
        raise HoldReleased
    return hold


def _kept(hold: Hold, state: HoldState, expires_at: datetime | None, locked: Locked, stock: Stock) -> Hold:
    """A held or expired hold in its next state; refuses when its places are somebody else's by now."""
    if locked.events[hold.event_id].cancelled:
        raise EventCancelled
    if hold.state is HoldState.EXPIRED and not stock.take_again(hold):
        raise HoldExpired
    kept = hold.having(state, expires_at=expires_at)
    stock.change(hold, kept)
    return kept


def _issue(hold: Hold, booking_id: str, new_id: Callable[[], str]) -> Sequence[Ticket]:
    return [
        Ticket(new_id(), hold.key, ordinal, hold.event_id, booking_id, place)
        for ordinal, place in enumerate(hold.places)
    ]
