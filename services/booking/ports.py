"""What the handlers need of a store."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from services.booking.domain import Booking, Status
from services.booking.judging import Mailed, Paid, Seats, Wrong
from services.booking.saga import Progress
from services.booking.timeline import Heard, Logged
from services.kit.invariants import Repair, Violation


class LeaseLost(Exception):
    """Another process has this saga now: stop, it goes on there."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A saga that waits for a person, since then."""

    progress: Progress
    at: datetime


class Bookings(Protocol):
    """Bookings within one transaction. A booking at work belongs to whoever leased it last, for a short while."""

    async def add(self, progresses: Sequence[Progress]) -> dict[str, Progress]:
        """Keep each that is new; returns those by id, leased. A known id stays as it is."""

    async def save(self, progresses: Sequence[Progress]) -> set[str]:
        """Replace each that has the lease it says, and renew that; returns the ids of those.

        A booking that is decided or parked is not leased any more, and the fact of it is published.
        """

    async def find(self, booking_ids: Collection[str]) -> dict[str, Progress]:
        """Those that are known, without their leases."""

    async def take(self, booking_id: str, among: Collection[Status]) -> Progress | None:
        """A decided booking, locked and leased to us, to be put back to work; None when its status is another."""

    async def of_user(self, user_id: str, *, before: str, limit: int) -> Sequence[Booking]:
        """A user's, newest first, older than the id `before` (empty: from the newest)."""

    async def confirmed_of(self, event_id: str, *, after: str, limit: int) -> Sequence[Booking]:
        """Those of an event that have tickets, oldest first, newer than the id `after` (empty: from the oldest)."""

    async def undecided(self, *, limit: int) -> Sequence[Progress]:
        """At work and not parked, but nobody works them: their lease ended or they have rested enough.

        They are leased to us.
        """

    async def parked(self, *, limit: int) -> Sequence[Parked]:
        """Those that wait for a person, the longest parked first."""

    async def count_parked(self) -> int: ...

    async def take_parked(self, booking_ids: Collection[str], *, limit: int) -> Sequence[Progress]:
        """Those of them that are parked (no ids: any), locked and leased to us."""

    async def awaiting(self, booking_ids: Collection[str]) -> Sequence[str]:
        """Those of them that wait for a payment that is under way; not for another card."""

    async def to_look_at(self, *, limit: int) -> Sequence[Progress]:
        """Some that wait for a payment and were not looked at for a while; nobody else gets them for another while."""

    async def overdue(self, *, now: datetime, limit: int) -> Sequence[str]:
        """Ids of those that wait for a payment longer than they may."""

    async def event_cancelled(self, event_id: str) -> None:
        """Nothing of it stays sold. Idempotent."""

    async def to_give_back(self, *, limit: int) -> Sequence[str]:
        """Ids of bookings that are confirmed or wait for a payment, of events cancelled not longer ago than a day."""

    async def renew_leases(self, leases: Mapping[str, str]) -> None:
        """Those bookings (id → lease) that are still leased so stay it for another while."""


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Bookings]:
        """Committed at the end of the block, undone by an exception in it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the watch came in the order in which bookings were settled."""

    at: datetime
    booking_id: str


class Memory(Protocol):
    async def hear(self, heard: Sequence[Heard]) -> None:
        """Keep what others said of bookings; a fact that was heard before is kept once."""


class Books(Memory, Protocol):
    """Bookings looked at as a whole, and what was written down about them. Each call is a transaction of its own."""

    async def find(self, booking_ids: Collection[str]) -> Mapping[str, Booking]:
        """Those that are known."""

    async def after(self, after: str, *, until: str, limit: int) -> Mapping[str, Booking]:
        """Those after that id, up to `until`, in their order."""

    async def settled(self, mark: Mark, *, until: datetime, limit: int) -> Sequence[Mark]:
        """Bookings that were decided after the mark, and by `until`, in the order they were."""

    async def open(self, *, limit: int) -> Sequence[str]:
        """Ids of those that are not decided or wait for a payment; of each the oldest."""

    async def mailed(self, booking_ids: Collection[str]) -> Mapping[str, Mailed]:
        """What is known of the mails with the tickets of those."""

    async def cancelled_events(self, event_ids: Collection[str]) -> Mapping[str, datetime]:
        """Those of them that are cancelled, and when that was heard of."""

    async def cancel_anew(self, event_id: str) -> None:
        """As if it were heard of now: whatever of it is sold is cancelled soon. Idempotent."""

    async def told_of(self, booking_id: str) -> tuple[Sequence[Logged], Sequence[Heard], Sequence[Repair]]:
        """All that was written down about a booking, each in its order; bounded."""

    async def keep(self, judged: Collection[str], wrong: Sequence[Violation]) -> None:
        """Of the bookings judged now this is wrong, and nothing else; violations of others stay."""

    async def findings(self) -> Sequence[Violation]:
        """All violations kept, the oldest first; at most 5,000."""

    async def begin_repair(self, wrong: Wrong, *, pause: timedelta) -> int | None:
        """A receipt for a kept violation; None when its repair was tried less than that long ago, by whomever."""

    async def end_repair(self, receipt: int, *, done: str) -> None:
        """It is done. Idempotent."""

    async def tell_again(self, booking: Booking) -> None:
        """Publish the fact of what became of it once more."""

    async def repairs(self, limit: int) -> Sequence[Repair]:
        """The newest that are done."""

    async def take_mark(self, way: str, *, first: str, lease: timedelta) -> str | None:
        """How far the watch has come on that way; None while another process has it, at most for that long."""

    async def put_mark(self, way: str, mark: str) -> None:
        """It has come so far; anybody may go on."""

    async def forget(self, *, before: datetime, limit: int) -> int:
        """Remove some of what was written down about bookings before then; how many lines."""


class Others(Protocol):
    """What ticket and payment have in their books of our bookings. Raises NotNow when they do not answer."""

    async def seats_of(self, booking_ids: Collection[str]) -> Sequence[Seats]:
        """The holds of those bookings that have places; at most 500 bookings."""

    async def seats_between(self, after: str, until: str) -> Sequence[Seats]:
        """The same of all bookings after that id, up to `until`, also of such as we do not know."""

    async def payments_of(self, booking_ids: Collection[str]) -> Sequence[tuple[str, Paid]]:
        """Booking id and payment, of those bookings; at most 500."""

    async def payments_between(self, after: str, until: str) -> Sequence[tuple[str, Paid]]:
        """The same of all bookings after that id, up to `until`, also of such as we do not know."""

    async def undo_payment(self, key: str, attempt: int) -> None:
        """Nothing is owed any more for that try and those before: not charged, or refunded. Idempotent."""

    async def release_seats(self, event_id: str, key: str) -> None:
        """Give back what the key holds or bought. Idempotent."""
