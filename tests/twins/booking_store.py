"""Bookings in memory, with leases that a clock of the test lets run out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.booking.domain import AT_WORK, Booking, Status
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


class MemoryBookingStore:
    """One process's view of the rows."""

    def __init__(self, rows: Rows, *, me: str) -> None:
        self._rows, self._me = rows, me

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryBookings]:
        rows = self._rows
        before = deepcopy((rows.progresses, rows.leases, rows.published))
        try:
            yield MemoryBookings(rows, self._me)
        except BaseException:
            rows.progresses, rows.leases, rows.published = before
            raise


class MemoryBookings:
    def __init__(self, rows: Rows, me: str) -> None:
        self._rows, self._me = rows, me

    async def add(self, progresses: Sequence[Progress]) -> set[str]:
        fresh = {one.booking.id: one for one in progresses if one.booking.id not in self._rows.progresses}
        self._rows.progresses |= fresh
        for booking_id in fresh:
            self._lease(booking_id)
        return set(fresh)

    async def save(self, progresses: Sequence[Progress]) -> set[str]:
        ours = [one for one in progresses if self._rows.leases.get(one.booking.id, ("",))[0] == self._me]
        for one in ours:
            self._rows.progresses[one.booking.id] = one
            self._lease(one.booking.id)
            if one.booking.decided:
                del self._rows.leases[one.booking.id]
                self._rows.published.append(one.booking)
        return {one.booking.id for one in ours}

    def _lease(self, booking_id: str) -> None:
        self._rows.leases[booking_id] = (self._me, self._rows.now() + LEASE)

    async def find(self, booking_ids: Collection[str]) -> dict[str, Progress]:
        return {one: self._rows.progresses[one] for one in booking_ids if one in self._rows.progresses}

    async def take(self, booking_id: str, among: Collection[Status]) -> Progress | None:
        found = self._rows.progresses.get(booking_id)
        if found is None or found.booking.status not in among:
            return None
        self._lease(booking_id)
        return found

    async def of_user(self, user_id: str, *, before: str, limit: int) -> Sequence[Booking]:
        mine = [one.booking for one in self._rows.progresses.values() if one.order.user_id == user_id]
        older = [one for one in mine if not before or one.id < before]
        return sorted(older, key=lambda one: one.id, reverse=True)[:limit]

    async def undecided(self, *, limit: int) -> Sequence[Progress]:
        free = [one for one in self._rows.progresses.values() if self._is_free(one)]
        found = sorted(free, key=lambda one: one.booking.id)[:limit]
        for one in found:
            self._lease(one.booking.id)
        return found

    def _is_free(self, progress: Progress) -> bool:
        if progress.booking.status not in AT_WORK:
            return False
        if progress.rests_until is not None and progress.rests_until >= self._rows.now():
            return False
        holder, until = self._rows.leases.get(progress.booking.id, ("", self._rows.now() - LEASE))
        if holder == self._me:
            return until < self._rows.now() or progress.rests_until is not None
        return until < self._rows.now() or holder.split("/")[0] == self._me.split("/")[0]

    async def awaiting(self, booking_ids: Collection[str]) -> Sequence[str]:
        known = await self.find(booking_ids)
        return [one for one in known if known[one].booking.status is Status.AWAITING_PAYMENT]

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

    async def sold_of_event(self, event_id: str, *, limit: int) -> Sequence[str]:
        sold = {Status.CONFIRMED, Status.AWAITING_PAYMENT}
        rows = self._rows.progresses.values()
        return [one.booking.id for one in rows if one.order.event_id == event_id and one.booking.status in sold][:limit]

    async def renew_leases(self, booking_ids: Collection[str]) -> None:
        for booking_id in booking_ids:
            if self._rows.leases.get(booking_id, ("",))[0] == self._me:
                self._lease(booking_id)
