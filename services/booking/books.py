"""Bookings looked at as a whole, and what was written down about them: for the watch and the timeline."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.booking.domain import Booking
from services.booking.facts import fact_of
from services.booking.judging import Mailed, Wrong
from services.booking.ports import Mark
from services.booking.tables import OUTBOX
from services.booking.timeline import Heard, Logged
from services.kit.database.engine import transaction
from services.kit.database.outbox import Outbox
from services.kit.database.receipts import Receipts
from services.kit.invariants import Repair, Violation
from services.kit.money import Money

# A booking has a dozen; one that went round in circles is told as far as this.
MOST_LINES: Final = 500
MOST_FINDINGS: Final = 5_000
_BOOKING: Final = "CAST(booking AS text) AS booking"
_FIND: Final = text(f"SELECT {_BOOKING} FROM bookings WHERE booking_id = ANY (:ids)")  # noqa: S608 - our own names
_AFTER: Final = text(f"""
    SELECT {_BOOKING} FROM bookings WHERE booking_id > :after AND booking_id <= :until
    ORDER BY booking_id LIMIT :limit
""")  # noqa: S608
_SETTLED: Final = text("""
    SELECT booking_id, settled_at FROM bookings
    WHERE settled_at >= :at AND settled_at <= :until AND (settled_at, booking_id) > (:at, :booking_id)
    ORDER BY settled_at, booking_id LIMIT :limit
""")
_OPEN: Final = text("""
    (SELECT booking_id FROM bookings WHERE status IN ('PENDING', 'CANCELLING') ORDER BY booking_id LIMIT :limit)
    UNION ALL
    (SELECT booking_id FROM bookings WHERE status = 'AWAITING_PAYMENT' ORDER BY expires_at LIMIT :limit)
""")
_MAILED: Final = text("""
    SELECT booking_id, bool_or(code = 'mail-sent') AS sent FROM heard
    WHERE booking_id = ANY (:ids) AND about = 'tickets' AND code IN ('mail-sent', 'mail-failed') GROUP BY booking_id
""")
_CANCELLED: Final = text("SELECT event_id, cancelled_at FROM cancelled_events WHERE event_id = ANY (:ids)")
# Who gives back what was sold looks at what was cancelled lately.
_CANCEL_ANEW: Final = text("UPDATE cancelled_events SET cancelled_at = now() WHERE event_id = :id")
_HEAR: Final = text("""
    INSERT INTO heard (fact_id, booking_id, at, code, reason, about, amount_minor, currency)
    SELECT * FROM unnest(CAST(:fact_id AS text[]), CAST(:booking_id AS text[]), CAST(:at AS timestamptz[]),
                         CAST(:code AS text[]), CAST(:reason AS text[]), CAST(:about AS text[]),
                         CAST(:amount_minor AS bigint[]), CAST(:currency AS text[]))
    ON CONFLICT DO NOTHING
""")
_LOG: Final = text("SELECT at, entry, reason FROM saga_log WHERE booking_id = :id ORDER BY at LIMIT :limit")
_HEARD: Final = text("SELECT * FROM heard WHERE booking_id = :id ORDER BY at LIMIT :limit")
_KEEP: Final = text("""
    INSERT INTO findings (invariant, booking_id, what, since)
    SELECT * FROM unnest(CAST(:invariant AS text[]), CAST(:booking_id AS text[]), CAST(:what AS text[]),
                         CAST(:since AS timestamptz[]))
    ON CONFLICT (invariant, booking_id) DO UPDATE SET what = excluded.what
""")
_HEALED: Final = text("""
    DELETE FROM findings WHERE booking_id = ANY (:ids)
        AND (invariant, booking_id) NOT IN (
            SELECT * FROM unnest(CAST(:invariant AS text[]), CAST(:booking_id AS text[])))
""")
_FINDINGS: Final = text("SELECT invariant, booking_id, what, since FROM findings ORDER BY since LIMIT :limit")
_TRY: Final = text("""
    UPDATE findings SET tried_at = now()
    WHERE invariant = :invariant AND booking_id = :booking_id
        AND coalesce(tried_at < now() - CAST(:pause AS interval), true)
""")
_TAKE_MARK: Final = text("""
    INSERT INTO watch_marks (way, mark, leased_until) VALUES (:way, :mark, now() + CAST(:lease AS interval))
    ON CONFLICT (way) DO UPDATE SET leased_until = excluded.leased_until
        WHERE coalesce(watch_marks.leased_until < now(), true)
    RETURNING mark
""")
_PUT_MARK: Final = text("UPDATE watch_marks SET mark = :mark, leased_until = NULL WHERE way = :way")
_FORGET: Final = {
    table: text(f"""
        DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE at < :before LIMIT :limit))
    """)  # noqa: S608 - our own names
    for table in ("saga_log", "heard")
}


class PostgresBooks:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[AsyncConnection]:
        async with transaction(self._engine) as tx:
            yield tx

    async def find(self, booking_ids: Collection[str]) -> Mapping[str, Booking]:
        async with self._begin() as tx:
            rows = await tx.execute(_FIND, {"ids": list(booking_ids)})
            return _by_id(map(_booking, rows.scalars()))

    async def after(self, after: str, *, until: str, limit: int) -> Mapping[str, Booking]:
        async with self._begin() as tx:
            rows = await tx.execute(_AFTER, {"after": after, "until": until, "limit": limit})
            return _by_id(map(_booking, rows.scalars()))

    async def settled(self, mark: Mark, *, until: datetime, limit: int) -> Sequence[Mark]:
        asked = {"at": mark.at, "booking_id": mark.booking_id, "until": until, "limit": limit}
        async with self._begin() as tx:
            return [Mark(row.settled_at, row.booking_id) for row in await tx.execute(_SETTLED, asked)]

    async def open(self, *, limit: int) -> Sequence[str]:
        async with self._begin() as tx:
            return list((await tx.execute(_OPEN, {"limit": limit})).scalars())

    async def mailed(self, booking_ids: Collection[str]) -> Mapping[str, Mailed]:
        async with self._begin() as tx:
            rows = await tx.execute(_MAILED, {"ids": list(booking_ids)})
            return {row.booking_id: Mailed.YES if row.sent else Mailed.FAILED for row in rows}

    async def cancelled_events(self, event_ids: Collection[str]) -> Mapping[str, datetime]:
        async with self._begin() as tx:
            rows = await tx.execute(_CANCELLED, {"ids": list(event_ids)})
            return {row.event_id: row.cancelled_at for row in rows}

    async def cancel_anew(self, event_id: str) -> None:
        async with self._begin() as tx:
            await tx.execute(_CANCEL_ANEW, {"id": event_id})

    async def hear(self, heard: Sequence[Heard]) -> None:
        if not heard:
            return
        columns: dict[str, list[Any]] = {
            name: [getattr(one, name) for one in heard] for name in ("fact_id", "booking_id", "at", "code", "reason")
        }
        columns["about"] = [one.about for one in heard]
        columns["amount_minor"] = [one.amount.minor if one.amount else None for one in heard]
        columns["currency"] = [one.amount.currency if one.amount else "" for one in heard]
        async with self._begin() as tx:
            await tx.execute(_HEAR, columns)

    async def told_of(self, booking_id: str) -> tuple[Sequence[Logged], Sequence[Heard], Sequence[Repair]]:
        asked = {"id": booking_id, "limit": MOST_LINES}
        async with self._begin() as tx:
            logged = [Logged(**row) for row in (await tx.execute(_LOG, asked)).mappings()]
            heard = [_heard(row) for row in await tx.execute(_HEARD, asked)]
            return logged, heard, await Receipts(tx).of(booking_id, MOST_LINES)

    async def keep(self, judged: Collection[str], wrong: Sequence[Violation]) -> None:
        named = {
            "invariant": [one.invariant for one in wrong],
            "booking_id": [one.subject for one in wrong],
        }
        said = {"what": [one.what for one in wrong], "since": [one.since for one in wrong]}
        async with self._begin() as tx:
            if wrong:
                await tx.execute(_KEEP, named | said)
            await tx.execute(_HEALED, named | {"ids": list(judged)})

    async def findings(self) -> Sequence[Violation]:
        async with self._begin() as tx:
            rows = await tx.execute(_FINDINGS, {"limit": MOST_FINDINGS})
            return [
                Violation(invariant=row.invariant, subject=row.booking_id, what=row.what, since=row.since)
                for row in rows
            ]

    async def begin_repair(self, wrong: Wrong, *, pause: timedelta) -> int | None:
        asked = {"invariant": wrong.invariant, "booking_id": wrong.subject, "pause": pause}
        async with self._begin() as tx:
            if not (await tx.execute(_TRY, asked)).rowcount:
                return None
            return await Receipts(tx).begin(rule=wrong.invariant, subject=wrong.subject, found=wrong.what)

    async def end_repair(self, receipt: int, *, done: str) -> None:
        async with self._begin() as tx:
            await Receipts(tx).end(receipt, done=done)

    async def tell_again(self, booking: Booking) -> None:
        async with self._begin() as tx:
            await Outbox(OUTBOX, tx).add([fact_of(booking)])

    async def repairs(self, limit: int) -> Sequence[Repair]:
        async with self._begin() as tx:
            return await Receipts(tx).recent(limit)

    async def take_mark(self, way: str, *, first: str, lease: timedelta) -> str | None:
        async with self._begin() as tx:
            found = await tx.scalar(_TAKE_MARK, {"way": way, "mark": first, "lease": lease})
        return None if found is None else str(found)

    async def put_mark(self, way: str, mark: str) -> None:
        async with self._begin() as tx:
            await tx.execute(_PUT_MARK, {"way": way, "mark": mark})

    async def forget(self, *, before: datetime, limit: int) -> int:
        forgotten = 0
        async with self._begin() as tx:
            for statement in _FORGET.values():
                forgotten += (await tx.execute(statement, {"before": before, "limit": limit})).rowcount
        return forgotten


def _by_id(bookings: Any) -> Mapping[str, Booking]:
    return {booking.id: booking for booking in bookings}


def _booking(document: str) -> Booking:
    return msgspec.json.decode(document, type=Booking)


def _heard(row: Any) -> Heard:
    return Heard(
        fact_id=row.fact_id,
        booking_id=row.booking_id,
        at=row.at,
        code=row.code,
        reason=row.reason,
        about=row.about,
        amount=None if row.amount_minor is None else Money(row.amount_minor, row.currency),
    )
