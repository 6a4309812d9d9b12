"""All payments in PostgreSQL, as they are compared with others' books; receipts of repairs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.database.engine import transaction
from services.kit.database.receipts import Receipts
from services.kit.invariants import Repair, Violation
from services.payment import statements as sql
from services.payment.comparing import UNSETTLED
from services.payment.domain import Payment
from services.payment.rows import payment_from

_PAID_BETWEEN: Final = text(
    sql.SELECT
    + """
    WHERE payments.created_at >= :since AND payments.created_at < :until AND payments.payment_id > :after
      AND status IN ('succeeded', 'partially_refunded', 'refunded')
    ORDER BY payments.payment_id LIMIT :limit
    """
)
_MAY_TAKE_MONEY: Final = "status NOT IN ('failed', 'cancelled')"
_OF_BOOKINGS: Final = text(
    sql.SELECT
    + f"WHERE booking_id = ANY(CAST(:ids AS text[])) AND {_MAY_TAKE_MONEY} ORDER BY booking_id, payments.payment_id"
)
_IN_RANGE: Final = text(
    sql.SELECT
    + f"""
    WHERE booking_id >= :booking_id AND booking_id <= :until
      AND (booking_id, payments.payment_id) > (:booking_id, :payment_id) AND {_MAY_TAKE_MONEY}
    ORDER BY booking_id, payments.payment_id LIMIT :limit
    """
)
_UNSETTLED: Final = text("""
    (SELECT payment_id, 'is ' || status || CASE WHEN cancelling THEN ' and to be undone' ELSE '' END AS what,
            updated_at AS since
     FROM payments
     WHERE (status = 'processing'
            OR (cancelling AND status IN ('requires_action', 'succeeded', 'partially_refunded')))
       AND updated_at < :before
     ORDER BY updated_at LIMIT :limit)
    UNION ALL
    (SELECT payment_id, 'has a refund of ' || minor || ' without an outcome', created_at
     FROM refunds WHERE status = 'pending' AND created_at < :before
     ORDER BY created_at LIMIT :limit)
""")


class PostgresBooks:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def by_id(self, payment_ids: Collection[str]) -> Mapping[str, Payment]:
        found = await self._payments(sql.BY_ID.bindparams(ids=sorted(set(payment_ids))))
        return {payment.payment_id: payment for payment in found}

    async def paid_between(self, since: datetime, until: datetime, *, after: str, limit: int) -> Sequence[Payment]:
        return await self._payments(_PAID_BETWEEN.bindparams(since=since, until=until, after=after, limit=limit))

    async def of_bookings(self, booking_ids: Collection[str]) -> Sequence[Payment]:
        return await self._payments(_OF_BOOKINGS.bindparams(ids=sorted(set(booking_ids))))

    async def in_range(self, after: tuple[str, str], until: str, *, limit: int) -> Sequence[Payment]:
        booking_id, payment_id = after
        asked = {"booking_id": booking_id, "payment_id": payment_id, "until": until, "limit": limit}
        return await self._payments(_IN_RANGE.bindparams(**asked))

    async def unsettled(self, *, before: datetime, limit: int) -> Sequence[Violation]:
        async with transaction(self._engine) as tx:
            rows = (await tx.execute(_UNSETTLED, {"before": before, "limit": limit})).all()
        return [Violation(invariant=UNSETTLED, subject=row.payment_id, what=row.what, since=row.since) for row in rows]

    async def begin_repair(self, found: Violation) -> int:
        async with transaction(self._engine) as tx:
            return await Receipts(tx).begin(rule=found.invariant, subject=found.subject, found=found.what)

    async def end_repair(self, receipt: int, *, done: str) -> None:
        async with transaction(self._engine) as tx:
            await Receipts(tx).end(receipt, done=done)

    async def repairs(self, limit: int) -> Sequence[Repair]:
        async with transaction(self._engine) as tx:
            return await Receipts(tx).recent(limit)

    async def _payments(self, statement: object) -> Sequence[Payment]:
        async with transaction(self._engine) as tx:
            return [payment_from(row) for row in await tx.execute(statement)]  # type: ignore[call-overload]  # bound above
