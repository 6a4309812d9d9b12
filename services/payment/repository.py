"""Payments in PostgreSQL, many rows to a statement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit.database.engine import transaction
from services.kit.database.outbox import Outbox
from services.payment import statements as sql
from services.payment.domain import Payment, PspEvent, Refund, StatusChanged
from services.payment.facts import outgoing
from services.payment.rows import FIXED, MUTABLE, columns, payment_from, refund_from
from services.payment.tables import OUTBOX, REFUNDS, WEBHOOK_EVENTS

_BY_ID: Final = (sql.BY_ID, sql.BY_ID_LOCKED)
_BY_KEY: Final = (sql.BY_KEY, sql.BY_KEY_LOCKED)


class PostgresStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresPayments]:
        async with transaction(self._engine) as tx:
            yield PostgresPayments(tx)


class PostgresPayments:
    def __init__(self, tx: AsyncConnection) -> None:
        self._tx = tx

    async def add(self, payments: Sequence[Payment]) -> set[str]:
        if not payments:
            return set()
        # In the order of their keys: two batches that share some can not wait for each other.
        ordered = sorted(payments, key=lambda payment: payment.key)
        return set((await self._tx.execute(sql.ADD, columns(ordered, FIXED))).scalars())

    async def by_key(self, keys: Collection[str], *, lock: bool = False) -> Mapping[str, Payment]:
        rows = await self._tx.execute(_BY_KEY[lock], {"keys": list(keys)})
        return {row.key: payment_from(row) for row in rows}

    async def by_id(self, payment_ids: Collection[str], *, lock: bool = False) -> Mapping[str, Payment]:
        rows = await self._tx.execute(_BY_ID[lock], {"ids": list(payment_ids)})
        return {row.payment_id: payment_from(row) for row in rows}

    async def save(self, payments: Sequence[Payment]) -> None:
        if payments:
            await self._tx.execute(sql.SAVE, columns(payments, MUTABLE))

    async def save_attempt(self, payment: Payment) -> None:
        row = {
            "payment_id": payment.payment_id,
            "attempt": payment.attempt,
            "payment_method": payment.payment_method,
            "description": payment.description,
            "asked_at": payment.updated_at,
        }
        await self._tx.execute(sql.ADD_ATTEMPT, row)
        await self.save([payment])

    async def find_refund(self, payment_id: str, refund_key: str) -> Refund | None:
        named = {"payment_id": payment_id, "refund_key": refund_key}
        row = (await self._tx.execute(sql.FIND_REFUND, named)).one_or_none()
        return refund_from(row) if row else None

    async def save_refund(self, refund: Refund) -> None:
        row = {
            "payment_id": refund.payment_id,
            "refund_key": refund.refund_key,
            "refund_id": refund.refund_id,
            "minor": refund.minor,
            "status": refund.status.value,
            "created_at": refund.created_at,
        }
        added = insert(REFUNDS).values(row)
        await self._tx.execute(
            added.on_conflict_do_update(index_elements=["payment_id", "refund_key"], set_={"status": row["status"]})
        )

    async def publish(self, changes: Sequence[StatusChanged]) -> None:
        facts = [fact for fact in map(outgoing, changes) if fact]
        await Outbox(OUTBOX, self._tx).add(facts)

    async def lease_unsettled(
        self, *, before: datetime, at: datetime, until: datetime, limit: int
    ) -> Sequence[Payment]:
        lease = {"before": before, "at": at, "until": until, "limit": limit}
        ids = (await self._tx.execute(sql.LEASE_UNSETTLED, lease)).scalars().all()
        return list((await self.by_id(ids)).values()) if ids else []

    async def lease_refunds(self, *, before: datetime, at: datetime, until: datetime, limit: int) -> Sequence[Refund]:
        lease = {"before": before, "at": at, "until": until, "limit": limit}
        return [refund_from(row) for row in await self._tx.execute(sql.LEASE_REFUNDS, lease)]

    async def add_event(self, event: PspEvent, *, at: datetime) -> bool:
        row = {"event_id": event.event_id, "ref": event.ref, "payment_id": event.payment_id, "received_at": at}
        added = insert(WEBHOOK_EVENTS).values(row).on_conflict_do_nothing().returning(WEBHOOK_EVENTS.c.event_id)
        return (await self._tx.execute(added)).one_or_none() is not None

    async def lease_events(self, *, at: datetime, until: datetime, limit: int) -> Sequence[PspEvent]:
        rows = await self._tx.execute(sql.LEASE_EVENTS, {"at": at, "until": until, "limit": limit})
        oldest_first = sorted(rows, key=lambda row: row.received_at)
        return [PspEvent(row.event_id, row.ref, row.payment_id) for row in oldest_first]

    async def events_handled(self, event_ids: Collection[str], *, at: datetime) -> None:
        these = WEBHOOK_EVENTS.c.event_id.in_(event_ids)
        await self._tx.execute(update(WEBHOOK_EVENTS).where(these).values(handled_at=at))

    async def forget_events(self, *, before: datetime) -> None:
        await self._tx.execute(delete(WEBHOOK_EVENTS).where(WEBHOOK_EVENTS.c.handled_at < before))
