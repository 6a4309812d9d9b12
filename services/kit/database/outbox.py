"""Events leave a service through a table, in the transaction that made them true."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit import tracing
from services.kit.bus.facts import Fact
from services.kit.ids import new_id


def outbox_table(metadata: MetaData) -> Table:
    """Every producing service has this table in its schema; rows are deleted once sent."""
    return Table(
        "outbox",
        metadata,
        # Given out under the lock of the aggregate's row, hence in order per key.
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("fact_id", Text, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("traceparent", Text, nullable=False),
        Column("added_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A fact on its way out: its topic, the aggregate it is about, and its body (a message of messages.proto)."""

    topic: str
    key: str
    body: Message
    traceparent: str = ""


class Outbox:
    """The outbox within one transaction."""

    def __init__(self, table: Table, tx: AsyncConnection) -> None:
        self._table, self._tx = table, tx

    async def add(self, facts: Sequence[Outgoing]) -> None:
        """Publish these, in this order, if and only if the transaction commits."""
        if not facts:
            return
        here = tracing.traceparent()
        await self._tx.execute(insert(self._table), [_row(fact, here) for fact in facts])

    async def oldest(self, limit: int) -> Sequence[tuple[int, Fact]]:
        """What waits, in the order it was added, with the row's id."""
        table = self._table
        rows = await self._tx.execute(select(table).order_by(table.c.id).limit(limit))
        return [
            (
                row.id,
                Fact(
                    id=row.fact_id,
                    topic=row.topic,
                    key=row.key,
                    type=row.type,
                    body=row.body,
                    time=row.added_at,
                    traceparent=row.traceparent,
                ),
            )
            for row in rows
        ]

    async def forget(self, row_ids: Sequence[int]) -> None:
        """These were sent."""
        await self._tx.execute(delete(self._table).where(self._table.c.id.in_(row_ids)))


def _row(fact: Outgoing, here: str) -> dict[str, Any]:
    return {
        "fact_id": new_id(),
        "topic": fact.topic,
        "key": fact.key,
        "type": fact.body.DESCRIPTOR.full_name,
        "body": fact.body.SerializeToString(),
        "traceparent": fact.traceparent or here,
    }
