"""Mails in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.email_worker.domain import (
    Details,
    Kind,
    Leased,
    Mail,
    Outcome,
    Recipient,
    Show,
    ShowCancelled,
    State,
)
from services.email_worker.facts import outgoing
from services.email_worker.ports import Queue
from services.email_worker.tables import INBOX, MAILS, OUTBOX, RECIPIENTS, SHOWS
from services.kit.database.engine import transaction
from services.kit.database.inbox import Inbox
from services.kit.database.outbox import Outbox

_LEASE: Final = text("""
    WITH due AS (
        SELECT mail_id FROM mails WHERE state IN ('waiting', 'sending') AND due_at <= :now
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
    ), leased AS (
        UPDATE mails SET state = 'sending', due_at = :until, tries = tries + 1, reason = '', sender = :sender
        FROM due WHERE mails.mail_id = due.mail_id RETURNING mails.*
    )
    SELECT leased.*, email, name, language, title, venue, city, timezone, starts_at, cancel_reason
    FROM leased LEFT JOIN recipients USING (user_id) LEFT JOIN shows USING (event_id) ORDER BY added_at
""")
_TAKE_BACK: Final = text("""
    UPDATE mails SET due_at = :now WHERE state = 'sending' AND sender = :sender AND due_at > :now
""")
# The lease's end is its name: who was leased later has another one.
_SETTLE: Final = text("""
    UPDATE mails SET state = done.state, due_at = done.due_at, tries = done.tries, reason = done.reason,
        settled_at = CASE WHEN done.state = 'waiting' THEN NULL ELSE done.at END
    FROM unnest(
        CAST(:mail_id AS text[]), CAST(:leased AS timestamptz[]), CAST(:state AS text[]), CAST(:at AS timestamptz[]),
        CAST(:due_at AS timestamptz[]), CAST(:tries AS int[]), CAST(:reason AS text[])
    ) AS done (mail_id, leased, state, at, due_at, tries, reason)
    WHERE mails.mail_id = done.mail_id AND mails.state = 'sending' AND mails.due_at = done.leased
    RETURNING mails.mail_id, mails.booking_id, mails.kind, mails.state, mails.traceparent
""")
_SETTLED: Final = text("""
    SELECT mail_id, booking_id, kind, state, traceparent FROM mails
    WHERE mail_id = ANY (CAST(:ids AS text[])) AND settled_at IS NOT NULL
""")
_WAITING: Final = MAILS.c.state == State.WAITING


class PostgresStore:
    """`sender` names the process among its replicas, the same after it was started again."""

    def __init__(self, engine: AsyncEngine, *, sender: str) -> None:
        self._engine, self._sender = engine, sender

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresDesk]:
        async with transaction(self._engine) as tx:
            yield PostgresDesk(tx)

    async def lease(self, limit: int, *, now: datetime, until: datetime) -> Sequence[Leased]:
        async with transaction(self._engine) as tx:
            rows = await tx.execute(_LEASE, {"most": limit, "now": now, "until": until, "sender": self._sender})
            return [_leased(row) for row in rows]

    async def take_back(self, *, now: datetime) -> int:
        async with transaction(self._engine) as tx:
            return (await tx.execute(_TAKE_BACK, {"now": now, "sender": self._sender})).rowcount

    async def settle(self, outcomes: Sequence[Outcome]) -> None:
        columns = {
            "mail_id": [outcome.mail.mail_id for outcome in outcomes],
            "leased": [outcome.mail.due_at for outcome in outcomes],
            "state": [outcome.state.value for outcome in outcomes],
            "at": [outcome.at for outcome in outcomes],
            "due_at": [outcome.due_at for outcome in outcomes],
            "tries": [outcome.tries for outcome in outcomes],
            "reason": [outcome.reason for outcome in outcomes],
        }
        async with transaction(self._engine) as tx:
            await Outbox(OUTBOX, tx).add(outgoing(await tx.execute(_SETTLE, columns)))

    async def queue(self, *, now: datetime) -> Queue:
        due = select(func.count(), func.min(MAILS.c.due_at)).where(MAILS.c.state.in_(["waiting", "sending"]))
        async with transaction(self._engine) as tx:
            waiting, oldest = (await tx.execute(due)).one()
        return Queue(waiting, max((now - oldest).total_seconds(), 0.0) if oldest else 0.0)

    async def forget(self, *, before: datetime) -> None:
        async with transaction(self._engine) as tx:
            await tx.execute(delete(MAILS).where(MAILS.c.settled_at < before))
            await Inbox(INBOX, tx).forget_old()


class PostgresDesk:
    def __init__(self, tx: AsyncConnection) -> None:
        self._tx = tx

    async def first_time(self, fact_ids: Collection[str]) -> set[str]:
        return await Inbox(INBOX, self._tx).first_time(fact_ids)

    async def know_recipients(self, recipients: Sequence[Recipient]) -> None:
        if not recipients:
            return
        known = insert(RECIPIENTS)
        changed = {name: known.excluded[name] for name in ("email", "name", "language")}
        known = known.on_conflict_do_update(index_elements=["user_id"], set_=changed)
        await self._tx.execute(known, [asdict(one) for one in recipients])
        await self._make_due(MAILS.c.user_id.in_([one.user_id for one in recipients]))

    async def know_shows(self, shows: Sequence[Show]) -> None:
        if not shows:
            return
        known = insert(SHOWS)
        changed = {name: known.excluded[name] for name in ("title", "venue", "city", "timezone", "starts_at")}
        known = known.on_conflict_do_update(index_elements=["event_id"], set_=changed)
        await self._tx.execute(known, [asdict(one) for one in shows])
        await self._make_due(MAILS.c.event_id.in_([one.event_id for one in shows]))

    async def _make_due(self, whose: Any) -> None:
        waited = update(MAILS).where(whose, _WAITING, MAILS.c.reason == "facts")
        await self._tx.execute(waited.values(due_at=MAILS.c.added_at, reason=""))

    async def cancel_shows(self, cancelled: Sequence[ShowCancelled]) -> None:
        for one in cancelled:
            cancel = update(SHOWS).where(SHOWS.c.event_id == one.event_id)
            await self._tx.execute(cancel.values(cancel_reason=one.reason))

    async def add(self, mails: Sequence[Mail]) -> None:
        # A fact that comes back from the dead letters comes after those that were once behind it.
        cancelled = await self._cancelled([mail.booking_id for mail in mails if mail.kind is Kind.TICKETS])
        rows = [_row(mail) for mail in mails if mail.kind is not Kind.TICKETS or mail.booking_id not in cancelled]
        if rows:
            await self._tx.execute(insert(MAILS).on_conflict_do_nothing(), rows)
        if mails:
            settled = await self._tx.execute(_SETTLED, {"ids": [mail.mail_id for mail in mails]})
            await Outbox(OUTBOX, self._tx).add(outgoing(settled))

    async def _cancelled(self, booking_ids: Sequence[str]) -> Collection[str]:
        if not booking_ids:
            return ()
        theirs = MAILS.c.booking_id == func.any(list(booking_ids))
        told = select(MAILS.c.booking_id).where(theirs, MAILS.c.kind == Kind.CANCELLED)
        return set((await self._tx.execute(told)).scalars())

    async def withdraw_reminders(self, booking_ids: Collection[str]) -> None:
        if not booking_ids:
            return
        theirs = MAILS.c.booking_id == func.any(list(booking_ids))
        reminders = update(MAILS).where(theirs, MAILS.c.kind == Kind.PAYMENT, _WAITING)
        await self._tx.execute(reminders.values(state=State.WITHDRAWN, settled_at=func.now()))


def _row(mail: Mail) -> dict[str, Any]:
    row = {column.name: getattr(mail, column.name, None) for column in MAILS.c if column.name in Mail.__slots__}
    return row | {"details": msgspec.to_builtins(mail.details)}


def _leased(row: Row[Any]) -> Leased:
    values = row._mapping
    mail = {name: values[name] for name in Mail.__slots__} | {
        "details": msgspec.convert(values["details"], Details),
        "kind": Kind(row.kind),
        "state": State(row.state),
    }
    known = {name: values[name] for name in Recipient.__slots__}
    show = {name: values[name] for name in Show.__slots__}
    return Leased(
        mail=Mail(**mail),
        recipient=None if row.email is None else Recipient(**known),
        show=None if row.title is None else Show(**show),
        cancel_reason=row.cancel_reason or "",
    )
