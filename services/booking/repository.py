"""Bookings in PostgreSQL. Written for many: one statement for a batch, whatever its size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any, Final

import msgspec
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.booking.domain import Booking, Status
from services.booking.facts import fact_of
from services.booking.ports import Parked
from services.booking.saga import CREATE_BOOKING, Progress
from services.booking.tables import OUTBOX
from services.kit.database.engine import transaction
from services.kit.database.outbox import Outbox

# A process renews its leases three times within this; the database's clock says when it is over.
LEASE: Final = "interval '15 seconds'"

_ROWS: Final = """
    unnest(CAST(:booking_id AS text[]), CAST(:user_id AS text[]), CAST(:event_id AS text[]), CAST(:status AS text[]),
           CAST(:booking AS text[]), CAST(:step AS smallint[]), CAST(:undoing AS boolean[]), CAST(:rests AS smallint[]),
           CAST(:rests_until AS timestamptz[]), CAST(:expires_at AS timestamptz[]), CAST(:parked AS boolean[]),
           CAST(:lease AS text[]))
    AS r (booking_id, user_id, event_id, status, booking, step, undoing, rests, rests_until, expires_at, parked, lease)
"""
_ADD: Final = text(f"""
    INSERT INTO bookings (booking_id, user_id, event_id, status, booking, step, undoing, rests, leased_by, leased_until)
    SELECT booking_id, user_id, event_id, status, CAST(booking AS jsonb), step, undoing, rests,
           :lease_as, now() + {LEASE}
    FROM {_ROWS} ON CONFLICT DO NOTHING RETURNING booking_id
""")  # noqa: S608 - constants of this file
_SAVE: Final = text(f"""
    UPDATE bookings b SET
        status = r.status, booking = CAST(r.booking AS jsonb), step = r.step, undoing = r.undoing,
        rests = r.rests, rests_until = r.rests_until, expires_at = r.expires_at,
        settled_at = CASE WHEN r.status IN ('PENDING', 'CANCELLING') THEN b.settled_at ELSE now() END,
        parked_at = CASE WHEN r.parked THEN now() END,
        leased_by = CASE WHEN r.status IN ('PENDING', 'CANCELLING') AND NOT r.parked THEN b.leased_by END,
        leased_until = CASE WHEN r.status IN ('PENDING', 'CANCELLING') AND NOT r.parked THEN now() + {LEASE} END
    FROM {_ROWS} WHERE b.booking_id = r.booking_id AND b.leased_by = r.lease RETURNING b.booking_id
""")  # noqa: S608
_LOG: Final = text("""
    INSERT INTO saga_log (booking_id, entry, reason)
    SELECT * FROM unnest(CAST(:booking_id AS text[]), CAST(:entry AS text[]), CAST(:reason AS text[]))
""")
_COLUMNS: Final = "CAST(booking AS text) AS booking, step, undoing, rests, rests_until"
_FIND: Final = text(f"SELECT {_COLUMNS} FROM bookings WHERE booking_id = ANY(:ids)")  # noqa: S608
_TAKE: Final = text(f"""
    UPDATE bookings SET leased_by = :lease_as, leased_until = now() + {LEASE}
    WHERE booking_id = :id AND status = ANY(:among) RETURNING {_COLUMNS}
""")  # noqa: S608
_OF_USER: Final = text("""
    SELECT CAST(booking AS text) FROM bookings WHERE user_id = :user_id AND (:before = '' OR booking_id < :before)
    ORDER BY booking_id DESC LIMIT :limit
""")
_CONFIRMED_OF: Final = text("""
    SELECT CAST(booking AS text) FROM bookings
    WHERE event_id = :event_id AND status = 'CONFIRMED' AND booking_id > :after
    ORDER BY booking_id LIMIT :limit
""")
# What an earlier life of this process had leased is free at once; what another one has, when its lease ends. Who has
# rested does so no more: until its next write nobody takes it again.
_UNDECIDED: Final = text(f"""
    UPDATE bookings SET leased_by = :lease_as, leased_until = now() + {LEASE}, rests_until = NULL
    WHERE booking_id IN (
        SELECT booking_id FROM bookings
        WHERE status IN ('PENDING', 'CANCELLING') AND coalesce(rests_until < now(), true)
          AND parked_at IS NULL
          AND (leased_until < now() OR leased_by IS NULL
               OR (starts_with(leased_by, :me || '/') AND rests_until IS NOT NULL)
               OR (NOT starts_with(leased_by, :me || '/') AND split_part(leased_by, '/', 1) = split_part(:me, '/', 1)))
        ORDER BY booking_id LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING {_COLUMNS}
""")  # noqa: S608
_PARKED: Final = text(f"""
    SELECT {_COLUMNS}, parked_at FROM bookings WHERE parked_at IS NOT NULL ORDER BY parked_at LIMIT :limit
""")  # noqa: S608
_COUNT_PARKED: Final = text("SELECT count(*) FROM bookings WHERE parked_at IS NOT NULL")
_TAKE_PARKED: Final = text(f"""
    UPDATE bookings SET leased_by = :lease_as, leased_until = now() + {LEASE} WHERE booking_id IN (
        SELECT booking_id FROM bookings
        WHERE parked_at IS NOT NULL AND (cardinality(CAST(:ids AS text[])) = 0 OR booking_id = ANY(:ids))
        ORDER BY booking_id LIMIT :limit FOR UPDATE)
    RETURNING {_COLUMNS}
""")  # noqa: S608
# Who waits for another card is never looked at, and so has nothing in rests_until.
_AWAITING: Final = text("""
    SELECT booking_id FROM bookings
    WHERE booking_id = ANY(:ids) AND status = 'AWAITING_PAYMENT' AND rests_until IS NOT NULL
""")
_TO_LOOK_AT: Final = text(f"""
    UPDATE bookings SET rests_until = now() + interval '30 seconds' WHERE booking_id IN (
        SELECT booking_id FROM bookings WHERE status = 'AWAITING_PAYMENT' AND rests_until < now()
        ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING {_COLUMNS}
""")  # noqa: S608
_OVERDUE: Final = text("""
    SELECT booking_id FROM bookings WHERE status = 'AWAITING_PAYMENT' AND expires_at < :now
    ORDER BY expires_at LIMIT :limit
""")
_EVENT_CANCELLED: Final = text("INSERT INTO cancelled_events (event_id) VALUES (:event_id) ON CONFLICT DO NOTHING")
_TO_GIVE_BACK: Final = text("""
    SELECT booking_id FROM cancelled_events JOIN bookings USING (event_id)
    WHERE cancelled_at > now() - interval '1 day' AND status IN ('CONFIRMED', 'AWAITING_PAYMENT')
    LIMIT :limit
""")
# It waits for nobody: whoever writes one of these rows at the moment renews its lease as well, and two statements that
# wait for each other's rows are a deadlock.
_RENEW: Final = text(f"""
    UPDATE bookings SET leased_until = now() + {LEASE} WHERE booking_id IN (
        SELECT booking_id FROM bookings WHERE booking_id = ANY(:ids) AND leased_by = ANY(:leases)
        FOR UPDATE SKIP LOCKED)
""")  # noqa: S608


class PostgresStore:
    """`me` names this life of this process: `<instance>/<anything new at every start>`."""

    def __init__(self, engine: AsyncEngine, *, me: str) -> None:
        self._engine, self._me = engine, me
        self._leases = count(1)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresBookings]:
        async with transaction(self._engine) as tx:
            yield PostgresBookings(tx, self._me, f"{self._me}/{next(self._leases)}")


class PostgresBookings:
    """`lease` is what is given out by this transaction."""

    def __init__(self, tx: AsyncConnection, me: str, lease: str) -> None:
        self._tx, self._me, self._lease = tx, me, lease

    async def add(self, progresses: Sequence[Progress]) -> dict[str, Progress]:
        added = set((await self._tx.execute(_ADD, _columns(progresses) | {"lease_as": self._lease})).scalars())
        new = [self._leased(one) for one in progresses if one.booking.id in added]
        await self._log(new)
        return {one.booking.id: one for one in new}

    def _leased(self, progress: Progress) -> Progress:
        return replace(progress, lease=self._lease)

    async def save(self, progresses: Sequence[Progress]) -> set[str]:
        saved = set((await self._tx.execute(_SAVE, _columns(progresses))).scalars())
        ours = [one for one in progresses if one.booking.id in saved]
        await self._log(ours)
        news = [fact_of(one.booking) for one in ours if one.booking.decided or one.booking.parked]
        await Outbox(OUTBOX, self._tx).add(news)
        return saved

    async def _log(self, progresses: Sequence[Progress]) -> None:
        rows = {
            "booking_id": [one.booking.id for one in progresses],
            "entry": [_entry(one) for one in progresses],
            "reason": [one.booking.reason for one in progresses],
        }
        await self._tx.execute(_LOG, rows)

    async def find(self, booking_ids: Collection[str]) -> dict[str, Progress]:
        rows = await self._tx.execute(_FIND, {"ids": list(booking_ids)})
        found = [_progress(row) for row in rows.mappings()]
        return {one.booking.id: one for one in found}

    async def take(self, booking_id: str, among: Collection[Status]) -> Progress | None:
        asked = {"id": booking_id, "lease_as": self._lease, "among": [status.value for status in among]}
        row = (await self._tx.execute(_TAKE, asked)).mappings().one_or_none()
        return self._leased(_progress(row)) if row else None

    async def of_user(self, user_id: str, *, before: str, limit: int) -> Sequence[Booking]:
        rows = await self._tx.execute(_OF_USER, {"user_id": user_id, "before": before, "limit": limit})
        return [_booking(row) for row in rows.scalars()]

    async def confirmed_of(self, event_id: str, *, after: str, limit: int) -> Sequence[Booking]:
        asked = {"event_id": event_id, "after": after, "limit": limit}
        return [_booking(row) for row in (await self._tx.execute(_CONFIRMED_OF, asked)).scalars()]

    async def undecided(self, *, limit: int) -> Sequence[Progress]:
        rows = await self._tx.execute(_UNDECIDED, {"me": self._me, "lease_as": self._lease, "limit": limit})
        return sorted((self._leased(_progress(row)) for row in rows.mappings()), key=lambda one: one.booking.id)

    async def parked(self, *, limit: int) -> Sequence[Parked]:
        rows = await self._tx.execute(_PARKED, {"limit": limit})
        return [Parked(_progress(row), row["parked_at"]) for row in rows.mappings()]

    async def count_parked(self) -> int:
        return int((await self._tx.execute(_COUNT_PARKED)).scalar_one())

    async def take_parked(self, booking_ids: Collection[str], *, limit: int) -> Sequence[Progress]:
        asked = {"lease_as": self._lease, "ids": list(booking_ids), "limit": limit}
        return [self._leased(_progress(row)) for row in (await self._tx.execute(_TAKE_PARKED, asked)).mappings()]

    async def awaiting(self, booking_ids: Collection[str]) -> Sequence[str]:
        return list((await self._tx.execute(_AWAITING, {"ids": list(booking_ids)})).scalars())

    async def to_look_at(self, *, limit: int) -> Sequence[Progress]:
        return [_progress(row) for row in (await self._tx.execute(_TO_LOOK_AT, {"limit": limit})).mappings()]

    async def overdue(self, *, now: datetime, limit: int) -> Sequence[str]:
        return list((await self._tx.execute(_OVERDUE, {"now": now, "limit": limit})).scalars())

    async def event_cancelled(self, event_id: str) -> None:
        await self._tx.execute(_EVENT_CANCELLED, {"event_id": event_id})

    async def to_give_back(self, *, limit: int) -> Sequence[str]:
        return list((await self._tx.execute(_TO_GIVE_BACK, {"limit": limit})).scalars())

    async def renew_leases(self, leases: Mapping[str, str]) -> None:
        await self._tx.execute(_RENEW, {"ids": list(leases), "leases": list(set(leases.values()))})


def _columns(progresses: Sequence[Progress]) -> dict[str, list[Any]]:
    return {
        "booking_id": [one.booking.id for one in progresses],
        "user_id": [one.order.user_id for one in progresses],
        "event_id": [one.order.event_id for one in progresses],
        "status": [one.booking.status.value for one in progresses],
        "booking": [msgspec.json.encode(one.booking).decode() for one in progresses],
        "step": [one.step for one in progresses],
        "undoing": [one.undoing for one in progresses],
        "rests": [one.rests for one in progresses],
        "rests_until": [one.rests_until for one in progresses],
        "expires_at": [one.booking.expires_at for one in progresses],
        "parked": [bool(one.booking.parked) for one in progresses],
        "lease": [one.lease for one in progresses],
    }


def _progress(row: RowMapping) -> Progress:
    return Progress(
        booking=_booking(row["booking"]),
        step=row["step"],
        undoing=row["undoing"],
        rests=row["rests"],
        rests_until=row["rests_until"],
    )


def _booking(document: str) -> Booking:
    return msgspec.json.decode(document, type=Booking)


def _entry(progress: Progress) -> str:
    """What the timeline says: the step that is about to be done or undone, or how it ended."""
    if progress.booking.decided:
        return progress.booking.status.value.lower()
    if progress.booking.parked:
        return "parked"
    if progress.rests_until is not None:
        return "rests" if progress.rests else "resumed"
    name = CREATE_BOOKING[max(progress.step, 0)].name
    return f"undo-{name}" if progress.undoing else name
