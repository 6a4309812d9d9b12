"""Receipts of repairs: written before the repair begins and closed when it is done, so that none goes unwritten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, MetaData, Table, Text, func, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.invariants import Repair

_BEGIN: Final = text("""
    INSERT INTO repairs (rule, subject, found) VALUES (:rule, :subject, :found)
    ON CONFLICT (rule, subject) WHERE ended_at IS NULL DO UPDATE SET found = excluded.found RETURNING repair_id
""")
_END: Final = text("UPDATE repairs SET done = :done, ended_at = now() WHERE repair_id = :id AND ended_at IS NULL")
_COLUMNS: Final = "rule, subject, found, done, ended_at"
_RECENT: Final = text(f"""
    SELECT {_COLUMNS} FROM repairs WHERE ended_at IS NOT NULL ORDER BY repair_id DESC LIMIT :limit
""")  # noqa: S608 - constants of this file
_OF: Final = text(f"""
    SELECT {_COLUMNS} FROM repairs WHERE subject = :subject AND ended_at IS NOT NULL ORDER BY repair_id LIMIT :limit
""")  # noqa: S608


def receipts_table(metadata: MetaData) -> Table:
    return Table(
        "repairs",
        metadata,
        Column("repair_id", BigInteger, Identity(always=True), primary_key=True),
        # The invariant that was violated.
        Column("rule", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("found", Text, nullable=False),
        Column("done", Text, nullable=False, server_default=""),
        Column("begun_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        # Null: begun, and nobody wrote that it was done; it is begun again.
        Column("ended_at", DateTime(timezone=True)),
        Index("ux_repairs_open", "rule", "subject", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_repairs_subject", "subject"),
    )


class Receipts:
    """The receipts within one transaction."""

    def __init__(self, tx: AsyncConnection) -> None:
        self._tx = tx

    async def begin(self, *, rule: str, subject: str, found: str) -> int:
        """Open a receipt, or go on with the one that was opened before and never closed; its id."""
        asked = {"rule": rule, "subject": subject, "found": found}
        return int((await self._tx.execute(_BEGIN, asked)).scalar_one())

    async def end(self, repair_id: int, *, done: str) -> None:
        """Close it. The first word counts."""
        await self._tx.execute(_END, {"id": repair_id, "done": done})

    async def recent(self, limit: int) -> Sequence[Repair]:
        """The newest that are closed."""
        return [Repair(**row) for row in (await self._tx.execute(_RECENT, {"limit": limit})).mappings()]

    async def of(self, subject: str, limit: int) -> Sequence[Repair]:
        """Those of a subject that are closed, in their order."""
        return [Repair(**row) for row in (await self._tx.execute(_OF, {"subject": subject, "limit": limit})).mappings()]
