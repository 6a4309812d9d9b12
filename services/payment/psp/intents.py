"""The sandbox's memory: its intents and refunds as tables, with Stripe's words for their states."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Stripe's words.
NEEDS_CARD: Final = "requires_payment_method"
NEEDS_ACTION: Final = "requires_action"
SUCCEEDED: Final = "succeeded"
CANCELED: Final = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxIntent:
    intent_id: str
    charge_key: str
    # Everything that was asked with the key, to tell a repetition from another wish.
    asked: str
    client_secret: str
    amount_minor: int
    currency: str
    status: str
    failure: str
    payment_method: str
    payment_id: str
    booking_id: str
    refunded_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRefund:
    refund_id: str
    refund_key: str
    intent_id: str
    amount_minor: int


_COLUMNS: Final = tuple(field.name for field in fields(SandboxIntent))
_read: Final = attrgetter(*_COLUMNS)
_ARRAYS: Final = ", ".join(f"CAST(:{n} AS {'bigint' if n.endswith('minor') else 'text'}[])" for n in _COLUMNS)
_ADD: Final = text(f"""
    INSERT INTO sandbox_intents ({", ".join(_COLUMNS)}) SELECT * FROM unnest({_ARRAYS})
    ON CONFLICT (charge_key) DO NOTHING RETURNING charge_key
""")  # noqa: S608 - only our own names are put in
_BY_KEY: Final = text("SELECT * FROM sandbox_intents WHERE charge_key = ANY(CAST(:keys AS text[]))")
_FIND: Final = text("SELECT * FROM sandbox_intents WHERE intent_id = :ref")
_FIND_LOCKED: Final = text("SELECT * FROM sandbox_intents WHERE intent_id = :ref FOR UPDATE")
_BY_PAYMENT: Final = text("""
    SELECT * FROM sandbox_intents WHERE payment_id = :payment_id
    ORDER BY status = 'succeeded' DESC, intent_id DESC LIMIT 1
""")
_PAGE: Final = text("""
    SELECT * FROM sandbox_intents WHERE intent_id > :after AND (:status = '' OR status = :status)
    ORDER BY intent_id LIMIT :limit
""")
# Ids sort by the time they were made.
_BEGUN: Final = text("""
    SELECT * FROM sandbox_intents
    WHERE created_at >= :since AND created_at < :until AND (:after = '' OR intent_id < :after)
    ORDER BY intent_id DESC LIMIT :limit
""")
_SAVE: Final = text("""
    UPDATE sandbox_intents SET status = :status, failure = :failure, payment_method = :payment_method,
                               refunded_minor = :refunded_minor
    WHERE intent_id = :intent_id
""")
_ADD_REFUND: Final = text("""
    INSERT INTO sandbox_refunds (refund_id, refund_key, intent_id, amount_minor)
    VALUES (:refund_id, :refund_key, :intent_id, :amount_minor)
    ON CONFLICT (refund_key) DO NOTHING RETURNING refund_id
""")
_FIND_REFUND: Final = text("SELECT * FROM sandbox_refunds WHERE refund_key = :refund_key")
_REFUND_PAGE: Final = text("SELECT * FROM sandbox_refunds WHERE refund_id > :after ORDER BY refund_id LIMIT :limit")


class SandboxIntents:
    """Intents and refunds within one transaction."""

    def __init__(self, tx: AsyncConnection) -> None:
        self._tx = tx

    async def add(self, intents: Sequence[SandboxIntent]) -> set[str]:
        """Keep each whose charge key is new; the keys of those."""
        ordered = sorted(intents, key=lambda intent: intent.charge_key)
        arrays = dict(zip(_COLUMNS, map(list, zip(*map(_read, ordered), strict=True)), strict=True))
        return set((await self._tx.execute(_ADD, arrays)).scalars())

    async def by_key(self, keys: Collection[str]) -> Mapping[str, SandboxIntent]:
        rows = await self._tx.execute(_BY_KEY, {"keys": list(keys)})
        return {row.charge_key: _intent(row) for row in rows}

    async def find(self, ref: str, *, lock: bool = False) -> SandboxIntent | None:
        row = (await self._tx.execute(_FIND_LOCKED if lock else _FIND, {"ref": ref})).one_or_none()
        return _intent(row) if row else None

    async def find_by_payment(self, payment_id: str) -> SandboxIntent | None:
        row = (await self._tx.execute(_BY_PAYMENT, {"payment_id": payment_id})).one_or_none()
        return _intent(row) if row else None

    async def page(self, *, limit: int, after: str, status: str = "") -> Sequence[SandboxIntent]:
        rows = await self._tx.execute(_PAGE, {"limit": limit, "after": after, "status": status})
        return [_intent(row) for row in rows]

    async def begun_between(
        self, since: datetime, until: datetime, *, limit: int, after: str
    ) -> Sequence[SandboxIntent]:
        """Newest first."""
        rows = await self._tx.execute(_BEGUN, {"since": since, "until": until, "after": after, "limit": limit})
        return [_intent(row) for row in rows]

    async def save(self, intent: SandboxIntent) -> None:
        await self._tx.execute(_SAVE, {name: getattr(intent, name) for name in _COLUMNS})

    async def add_refund(self, refund: SandboxRefund) -> bool:
        """False when its key came before."""
        return (await self._tx.execute(_ADD_REFUND, _row(refund))).one_or_none() is not None

    async def find_refund(self, refund_key: str) -> SandboxRefund | None:
        row = (await self._tx.execute(_FIND_REFUND, {"refund_key": refund_key})).one_or_none()
        return _refund(row) if row else None

    async def refund_page(self, *, limit: int, after: str) -> Sequence[SandboxRefund]:
        return [_refund(row) for row in await self._tx.execute(_REFUND_PAGE, {"limit": limit, "after": after})]


def _intent(row: Row[Any]) -> SandboxIntent:
    return SandboxIntent(**{name: getattr(row, name) for name in _COLUMNS})


def _refund(row: Row[Any]) -> SandboxRefund:
    return SandboxRefund(
        refund_id=row.refund_id,
        refund_key=row.refund_key,
        intent_id=row.intent_id,
        amount_minor=row.amount_minor,
    )


def _row(refund: SandboxRefund) -> dict[str, object]:
    return {field.name: getattr(refund, field.name) for field in fields(SandboxRefund)}
