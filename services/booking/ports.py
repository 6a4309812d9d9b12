"""What the handlers need of a store."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.booking.domain import Booking, Status
from services.booking.saga import Progress


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
