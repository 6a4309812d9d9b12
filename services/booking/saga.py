"""Creating a booking, as an ordered list of steps that can each be undone by key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from services.booking.domain import Booking, NextAction, Order, Place, Status, Ticket
from services.kit.clock import Clock
from services.kit.errors import NotNow, Refusal
from services.kit.money import Money

# A step that gets no answer is asked again after these pauses; then the saga rests and is taken up again later.
PAUSES_S: Final = (0.1, 0.3, 1.0, 2.0)
# Rests of a step double up to this. After so many, about half an hour, the saga is parked until a person looks.
LONGEST_REST: Final = timedelta(seconds=60)
MOST_RESTS: Final = 30
# Seats are held this much longer than their buyer is told, so that a payment of the last moment still finds them.
GRACE: Final = timedelta(seconds=30)
SEATS: Final = "seats"
PAYMENT: Final = "payment"
# A payment may be decided before we wrote that we wait for it: its fact finds nobody waiting, so we look once more.
LOOK_AGAIN: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A booking and how far its saga has come; written before each step, so that a restart goes on from it."""

    booking: Booking
    # Index of the step at work; while undoing, of the step being undone; -1: nothing is left to undo.
    step: int = 0
    undoing: bool = False
    # How often it rested at this step because something did not answer.
    rests: int = 0
    # Not before then does anybody go on with it; while it waits for a payment: looks at it again.
    rests_until: datetime | None = None
    # By which it is worked; another one whenever somebody takes it, in the same process as well.
    lease: str = field(default="", compare=False)

    @property
    def order(self) -> Order:
        return self.booking.order

    def key(self, step: str) -> str:
        """The idempotency key of a step: the same after every restart."""
        anew = f"-{self.booking.hold}" if step == SEATS and self.booking.hold > 1 else ""
        return f"{self.booking.id}/{step}{anew}"

    def having(self, booking: Booking) -> Progress:
        return replace(self, booking=booking)

    def at_step(self, step: int) -> Progress:
        return replace(self, step=step, rests=0, rests_until=None)

    def turned_back(self, reason: str, *, at: datetime) -> Progress:
        """The step at work is undone too: what was refused may have happened all the same.

        So is the payment of one who paid before the seats were held: money that came late.
        """
        step = max(self.step, PAYMENT_STEP) if self.booking.payment_id else self.step
        return replace(self, booking=self.booking.turned_back(reason, at=at), step=step, undoing=True)

    def resting(self, why: str, *, now: datetime) -> Progress:
        """Left alone for a while; after many rests at one step until a person looks."""
        rests = self.rests + 1
        if rests < MOST_RESTS:
            return replace(self, rests=rests, rests_until=now + min(LONGEST_REST, timedelta(seconds=2**rests)))
        parked = replace(self.booking, parked=why, updated_at=now)
        return replace(self, booking=parked, rests=rests, rests_until=None)

    def resumed(self, *, now: datetime) -> Progress:
        """A parked one, as a person gives it back to be worked."""
        return replace(self, booking=replace(self.booking, parked="", updated_at=now), rests=0, rests_until=now)


@dataclass(frozen=True, slots=True)
class Held:
    places: tuple[Place, ...]
    total: Money


@dataclass(frozen=True, slots=True)
class Charge:
    """What became of a payment that was not declined: paid, or waiting for the buyer."""

    payment_id: str
    next_action: NextAction | None = None
    # It was given up before the money came, and goes back unless a later attempt claims it.
    late: bool = False


class Tickets(Protocol):
    """The seats. Every call is idempotent by its key; all raise Refusal, or NotNow when nobody knows."""

    async def reserve(self, order: Order, *, key: str) -> Held:
        """Hold the places for a payment that is under way: the hold does not expire by itself."""

    async def release(self, event_id: str, *, key: str) -> None:
        """Give back whatever the key holds or bought; an unknown key can not be reserved any more."""

    async def extend(self, *, key: str, until: datetime) -> None:
        """The hold expires at that time: the buyer has to act until then."""

    async def confirm(self, order: Order, *, key: str) -> Sequence[Ticket]:
        """Sell what the key holds."""


class Payments(Protocol):
    """The money. Idempotent by key as above."""

    async def charge(self, booking: Booking, *, key: str) -> Charge:
        """Take the money, once, with the card of the booking's attempt.

        Refuses with the PSP's reason when it was declined.
        """

    async def close(self, *, key: str, attempt: int) -> Charge:
        """Take none any more, and keep what was taken. Refuses `payment-expired` when nothing was."""

    async def waits(self, *, key: str) -> bool:
        """Whether the payment still waits for the buyer."""

    async def cancel(self, *, key: str, attempt: int) -> None:
        """Nothing is owed any more: not charged, or refunded. A later attempt than that stays as it is."""


class Journal(Protocol):
    async def write(self, progress: Progress) -> None:
        """Keep the progress before anything else is done. Raises LeaseLost when another process has the saga."""


@dataclass(frozen=True, slots=True)
class Peers:
    tickets: Tickets
    payments: Payments
    now: Clock
    # How long a buyer who has to act may take.
    window: timedelta


Action = Callable[[Progress, Peers], Awaitable[Progress]]


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    do: Action
    undo: Action


async def reserve_seats(progress: Progress, peers: Peers) -> Progress:
    held = await peers.tickets.reserve(progress.booking.wanted, key=progress.key(SEATS))
    return progress.having(progress.booking.holding(held.places, held.total))


async def release_seats(progress: Progress, peers: Peers) -> Progress:
    # By key, not by a hold id: when the reply to the reservation was lost we never learned the id.
    await peers.tickets.release(progress.order.event_id, key=progress.key(SEATS))
    return progress


async def take_payment(progress: Progress, peers: Peers) -> Progress:
    booking = progress.booking
    if booking.is_free:
        return progress
    try:
        charge = await _charge_or_close(progress, peers)
    except Refusal as refusal:
        if not booking.may_pay_again(at=peers.now()):
            raise
        return replace(progress, booking=booking.declined(refusal.reason, at=peers.now()), rests=0, rests_until=None)
    if charge.late:
        return progress.having(booking.paid_late(charge.payment_id, at=peers.now()))
    if charge.next_action is None:
        return progress.having(booking.charged(charge.payment_id))
    return await _wait_for_buyer(progress, charge.payment_id, charge.next_action, peers)


async def _charge_or_close(progress: Progress, peers: Peers) -> Charge:
    key, booking = progress.key(PAYMENT), progress.booking
    if booking.closing:
        return await peers.payments.close(key=key, attempt=booking.attempt)
    return await peers.payments.charge(booking, key=key)


async def _wait_for_buyer(progress: Progress, payment_id: str, action: NextAction, peers: Peers) -> Progress:
    """The first time opens the window; whoever tries another card has no longer for it."""
    until = progress.booking.expires_at or peers.now() + peers.window
    await peers.tickets.extend(key=progress.key(SEATS), until=until + GRACE)
    waiting = progress.booking.awaiting(payment_id, action, until=until, at=peers.now())
    return replace(progress, booking=waiting, rests=0, rests_until=peers.now() + LOOK_AGAIN)


async def give_money_back(progress: Progress, peers: Peers) -> Progress:
    await peers.payments.cancel(key=progress.key(PAYMENT), attempt=progress.booking.attempt)
    return progress


async def sell_seats(progress: Progress, peers: Peers) -> Progress:
    tickets = await peers.tickets.confirm(progress.order, key=progress.key(SEATS))
    return progress.having(progress.booking.confirmed(tickets, at=peers.now()))


async def nothing_to_undo(progress: Progress, peers: Peers) -> Progress:
    """Seats that were sold are given back by the undoing of their reservation: it has the same key."""
    return progress


CREATE_BOOKING: Final[Sequence[Step]] = (
    Step(SEATS, do=reserve_seats, undo=release_seats),
    Step(PAYMENT, do=take_payment, undo=give_money_back),
    Step("confirm", do=sell_seats, undo=nothing_to_undo),
)
PAYMENT_STEP: Final = 1
LAST_STEP: Final = len(CREATE_BOOKING) - 1


async def run(progress: Progress, peers: Peers, journal: Journal) -> Progress:
    """Go on from where the progress stands until the booking is decided: the last write says how.

    Forward until a step refuses; then undo that step and all before it, last first. Raises NotNow when a step got no
    answer for a while: the progress says when to go on.
    """
    if not progress.undoing:
        progress = await _forward(progress, peers, journal)
    if progress.undoing:
        progress = await _backward(progress, peers, journal)
    await journal.write(progress)
    return progress


async def _forward(progress: Progress, peers: Peers, journal: Journal) -> Progress:
    while True:
        attempt = progress.booking.attempt
        try:
            progress = await _until_answered(CREATE_BOOKING[progress.step].do, progress, peers, journal)
        except Refusal as refusal:
            return progress.turned_back(refusal.reason, at=peers.now())
        if progress.booking.attempt > attempt:
            # The same step once more, when it is on record that there is another attempt.
            await journal.write(progress)
            continue
        if progress.booking.status is Status.AWAITING_PAYMENT or progress.step == LAST_STEP:
            return progress
        progress = progress.at_step(progress.step + 1)
        await journal.write(progress)


async def _backward(progress: Progress, peers: Peers, journal: Journal) -> Progress:
    while progress.step >= 0:
        await journal.write(progress)
        progress = await _until_answered(CREATE_BOOKING[progress.step].undo, progress, peers, journal)
        progress = progress.at_step(progress.step - 1)
    booking, at = progress.booking, peers.now()
    if booking.status is Status.CANCELLING:
        return progress.having(booking.cancelled(at=at))
    return progress.having(booking.rejected(booking.reason, at=at))


async def _until_answered(action: Action, progress: Progress, peers: Peers, journal: Journal) -> Progress:
    for pause_s in PAUSES_S:
        try:
            return await action(progress, peers)
        except NotNow:
            await asyncio.sleep(pause_s)
    try:
        return await action(progress, peers)
    except NotNow as away:
        await journal.write(progress.resting(f"{away.reason}: {away}", now=peers.now()))
        raise
