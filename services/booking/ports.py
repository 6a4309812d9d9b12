"""What the handlers need of a store."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from services.booking.domain import Booking, Status
from services.booking.saga import Progress


class LeaseLost(Exception):
    """Another process has this saga now: stop, it goes on there."""


class Bookings(Protocol):
    """Bookings within one transaction. A booking at work belongs to the process that leased it, for a short while."""

    async def add(self, progresses: Sequence[Progress]) -> set[str]:
        """Keep each that is new, leased to us; returns the ids of those. A known id stays as it is."""

    async def save(self, progresses: Sequence[Progress]) -> set[str]:
        """Replace each that is leased to us and renew the lease; returns the ids of those.

        A booking that is decided is not leased any more, and the fact of it is published.
        """

    async def find(self, booking_ids: Collection[str]) -> dict[str, Progress]:
        """Those that are known."""

    async def take(self, booking_id: str, among: Collection[Status]) -> Progress | None:
        """A decided booking, locked and leased to us, to be put back to work; None when its status is another."""

    async def of_user(self, user_id: str, *, before: str, limit: int) -> Sequence[Booking]:
        """A user's, newest first, older than the id `before` (empty: from the newest)."""

    async def undecided(self, *, limit: int) -> Sequence[Progress]:
        """At work, but nobody works them: their lease ended or they have rested enough. They are leased to us."""

    async def awaiting(self, booking_ids: Collection[str]) -> Sequence[str]:
        """Those of them that wait for a payment."""

    async def to_look_at(self, *, limit: int) -> Sequence[Progress]:
        """Some that wait for a payment and were not looked at for a while; nobody else gets them for another while."""

    async def overdue(self, *, now: datetime, limit: int) -> Sequence[str]:
        """Ids of those that wait for a payment longer than they may."""

    async def sold_of_event(self, event_id: str, *, limit: int) -> Sequence[str]:
        """Ids of the bookings of an event that are confirmed or wait for a payment."""

    async def renew_leases(self, booking_ids: Collection[str]) -> None:
        """Those that are leased to us stay so for another while."""


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Bookings]:
        """Committed at the end of the block, undone by an exception in it."""
