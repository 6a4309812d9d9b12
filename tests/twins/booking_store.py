"""Bookings in memory, with leases that a clock of the test lets run out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.booking.domain import AT_WORK, Booking, Status
from services.booking.ports import Parked
from services.booking.saga import Progress
from services.kit.clock import Clock, utc_now

LEASE = timedelta(seconds=15)


@dataclass
class Rows:
    """What several processes share: the rows, and what was published."""

    now: Clock = utc_now
    progresses: dict[str, Progress] = field(default_factory=dict)
    leases: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    published: list[Booking] = field(default_factory=list)
    parked: dict[str, datetime] = field(default_factory=dict)
    cancelled_events: set[str] = field(default_factory=set)
    given_out: int = 0


class MemoryBookingStore:
    """One process's view of the rows."""

    def __init__(self, rows: Rows, *, me: str) -> None:
        self._rows, self._me = rows, me

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryBookings]:
        rows = self._rows
        rows.given_out += 1
        before = copy(rows.progresses), copy(rows.leases), copy(rows.published), copy(rows.parked)
        try:
            yield MemoryBookings(rows, self._me, f"{self._me}/{rows.given_out}")
        except BaseException:
            rows.progresses, rows.leases, rows.published, rows.parked = before
            raise


class MemoryBookings:
    def __init__(self, rows: Rows, me: str, lease: str) -> None:
        self._rows, self._me, self._new_lease = rows, me, lease

    async def add(self, progresses: Sequence[Progress]) -> dict[str, Progress]:
        fresh = {one.booking.id: one for one in progresses if one.booking.id not in self._rows.progresses}
        self._rows.progresses |= fresh
        return {booking_id: self._leased(one) for booking_id, one in fresh.items()}

    def _leased(self, progress: Progress) -> Progress:
        self._lease(progress.booking.id, self._new_lease)
        return replace(progress, lease=self._new_lease)

    async def save(self, progresses: Sequence[Progress]) -> set[str]:
        leases = {booking_id: lease for booking_id, (lease, _) in self._rows.leases.items()}
        ours = [one for one in progresses if one.lease and leases.get(one.booking.id) == one.lease]
        for one in ours:
            self._rows.progresses[one.booking.id] = replace(one, lease="")
            self._lease(one.booking.id, one.lease)
            self._rows.parked.pop(one.booking.id, None)
            if one.booking.parked:
                self._rows.parked[one.booking.id] = self._rows.now()
            if one.booking.decided or one.booking.parked:
                del self._rows.leases[one.booking.id]
                self._rows.published.append(one.booking)
        return {one.booking.id for one in ours}

    def _lease(self, booking_id: str, lease: str) -> None:
        self._rows.leases[booking_id] = (lease, self._rows.now() + LEASE)

    async def find(self, booking_ids: Collection[str]) -> dict[str, Progress]:
        return {one: self._rows.progresses[one] for one in booking_ids if one in self._rows.progresses}

    async def take(self, booking_id: str, among: Collection[Status]) -> Progress | None:
        found = self._rows.progresses.get(booking_id)
        if found is None or found.booking.status not in among:
            return None
        return self._leased(found)

    async def of_user(self, user_id: str, *, before: str, limit: int) -> Sequence[Booking]:
        mine = [one.booking for one in self._rows.progresses.values() if one.order.user_id == user_id]
        older = [one for one in mine if not before or one.id < before]
        return sorted(older, key=lambda one: one.id, reverse=True)[:limit]

    async def confirmed_of(self, event_id: str, *, after: str, limit: int) -> Sequence[Booking]:
        sold = [
            one.booking
            for one in self._rows.progresses.values()
            if one.order.event_id == event_id and one.booking.status is Status.CONFIRMED and one.booking.id > after
        ]
        return sorted(sold, key=lambda one: one.id)[:limit]

    async def undecided(self, *, limit: int) -> Sequence[Progress]:
        free = [one for one in self._rows.progresses.values() if self._is_free(one)]
        found = sorted(free, key=lambda one: one.booking.id)[:limit]
        self._rows.progresses |= {one.booking.id: replace(one, rests_until=None) for one in found}
        return [self._leased(self._rows.progresses[one.booking.id]) for one in found]

    def _is_free(self, progress: Progress) -> bool:
        if progress.booking.status not in AT_WORK or progress.booking.id in self._rows.parked:
            return False
        if progress.rests_until is not None and progress.rests_until >= self._rows.now():
            return False
        holder, until = self._rows.leases.get(progress.booking.id, ("", self._rows.now() - LEASE))
        if holder.startswith(f"{self._me}/"):
            return until < self._rows.now() or progress.rests_until is not None
        return until < self._rows.now() or holder.split("/")[0] == self._me.split("/")[0]

    async def parked(self, *, limit: int) -> Sequence[Parked]:
        oldest_first = sorted(self._rows.parked.items(), key=lambda one: one[1])
        return [Parked(self._rows.progresses[booking_id], at) for booking_id, at in oldest_first][:limit]

    async def count_parked(self) -> int:
        return len(self._rows.parked)

    async def take_parked(self, booking_ids: Collection[str], *, limit: int) -> Sequence[Progress]:
        found = [one for one in sorted(self._rows.parked) if not booking_ids or one in booking_ids][:limit]
        return [self._leased(self._rows.progresses[booking_id]) for booking_id in found]

    async def awaiting(self, booking_ids: Collection[str]) -> Sequence[str]:
        known = await self.find(booking_ids)
        return [one for one in known if _is_under_way(known[one])]

    async def to_look_at(self, *, limit: int) -> Sequence[Progress]:
        now = self._rows.now()
        due = [
            one
            for one in self._rows.progresses.values()
            if one.booking.status is Status.AWAITING_PAYMENT and one.rests_until is not None and one.rests_until < now
        ][:limit]
        for one in due:
            self._rows.progresses[one.booking.id] = replace(one, rests_until=now + timedelta(seconds=30))
        return due

    async def overdue(self, *, now: datetime, limit: int) -> Sequence[str]:
        return [
            one.booking.id
            for one in self._rows.progresses.values()
            if one.booking.status is Status.AWAITING_PAYMENT
            and one.booking.expires_at is not None
            and one.booking.expires_at < now
        ][:limit]

    async def event_cancelled(self, event_id: str) -> None:
        self._rows.cancelled_events.add(event_id)

    async def to_give_back(self, *, limit: int) -> Sequence[str]:
        sold = {Status.CONFIRMED, Status.AWAITING_PAYMENT}
        of_cancelled = [
            one for one in self._rows.progresses.values() if one.order.event_id in self._rows.cancelled_events
        ]
        return [one.booking.id for one in of_cancelled if one.booking.status in sold][:limit]

    async def renew_leases(self, leases: Mapping[str, str]) -> None:
        for booking_id, lease in leases.items():
            if self._rows.leases.get(booking_id, ("",))[0] == lease:
                self._lease(booking_id, lease)


def _is_under_way(progress: Progress) -> bool:
    return progress.booking.status is Status.AWAITING_PAYMENT and progress.rests_until is not None
