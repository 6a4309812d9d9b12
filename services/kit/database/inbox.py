"""Which facts were handled already: a consumer's effect and this memory are one transaction."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlalchemy import Column, DateTime, MetaData, Table, Text, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

# Longer than any topic keeps its messages.
REMEMBERED: Final = timedelta(days=14)


def inbox_table(metadata: MetaData) -> Table:
    return Table(
        "inbox",
        metadata,
        Column("fact_id", Text, primary_key=True),
        Column("handled_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    )


class Inbox:
    """The inbox within one transaction."""

    def __init__(self, table: Table, tx: AsyncConnection) -> None:
        self._table, self._tx = table, tx

    async def first_time(self, fact_ids: Collection[str]) -> set[str]:
        """Those not handled before, which are handled from now on if the transaction commits.

        Two consumers that meet over one id: the second waits for the first one's transaction, then sees its row.
        """
        if not fact_ids:
            return set()
        rows = [{"fact_id": fact_id} for fact_id in sorted(set(fact_ids))]
        added = insert(self._table).values(rows).on_conflict_do_nothing().returning(self._table.c.fact_id)
        return set((await self._tx.execute(added)).scalars())

    async def forget_old(self) -> None:
        """Remove what no topic can bring again."""
        old = self._table.c.handled_at < func.now() - REMEMBERED
        await self._tx.execute(delete(self._table).where(old))
