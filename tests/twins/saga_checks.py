"""What must hold at the end of a simulated sale: decided, seats and money where bookings say, all of it told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from services.booking.domain import Booking, Status
from services.payment.domain import Status as PaymentStatus
from tests.twins.saga_world import DECIDED, World


def violations(world: World) -> list[str]:
    bookings = [progress.booking for progress in world.rows.progresses.values()]
    checks = (_undecided, _seats, _money, _facts, _cancelled_events)
    return [one for check in checks for one in check(world, bookings)]


def _undecided(world: World, bookings: list[Booking]) -> Iterator[str]:
    for one in bookings:
        if one.status not in DECIDED or one.parked:
            yield f"{one.status.value} {one.parked}"


def _seats(world: World, bookings: list[Booking]) -> Iterator[str]:
    """Sold if and only if CONFIRMED, with a valid ticket of that booking; and nothing is held."""
    sold = sorted(seat for one in bookings if one.status is Status.CONFIRMED for seat in one.order.seat_ids)
    states = world.seat_states()
    there = sorted(seat for seat, state in states.items() if state == "s")
    if sold != there:
        yield f"sold to bookings {sold}, in the inventory {there}"
    if held := [seat for seat, state in states.items() if state == "h"]:
        yield f"still held: {held}"
    mine = sorted((one.id, seat) for one in bookings if one.status is Status.CONFIRMED for seat in one.order.seat_ids)
    if (valid := sorted(world.valid_tickets())) != mine:
        yield f"tickets {valid}, bookings {mine}"


def _money(world: World, bookings: list[Booking]) -> Iterator[str]:
    """Taken once and whole if and only if CONFIRMED, and nothing is waited for any more."""
    kept: dict[str, list[int]] = defaultdict(list)
    for intent in world.psp.state.values():
        left = intent.amount.minor - intent.refunded_minor
        if intent.status is PaymentStatus.SUCCEEDED and left:
            kept[intent.booking_id].append(left)
        if intent.status is PaymentStatus.REQUIRES_ACTION:
            yield f"{intent.ref} may still be paid"
    for one in bookings:
        due = [one.total.minor] if one.status is Status.CONFIRMED and one.total else []
        if kept[one.id] != due:
            yield f"{one.status.value}: {kept[one.id]} kept, {due} due"


def _cancelled_events(world: World, bookings: list[Booking]) -> Iterator[str]:
    """Nothing of them stays sold."""
    for one in bookings:
        if one.status is Status.CONFIRMED and one.order.event_id in world.rows.cancelled_events:
            yield "sold, and its event is cancelled"


def _facts(world: World, bookings: list[Booking]) -> Iterator[str]:
    """The last fact of a booking is how it ended, and no end is said twice."""
    for one in bookings:
        told = [fact.status for fact in world.rows.published if fact.id == one.id]
        if told[-1:] != [one.status]:
            yield f"{one.status.value}, and told {told}"
        if max(Counter(status for status in told if status in DECIDED).values(), default=0) > 1:
            yield f"told twice: {told}"
