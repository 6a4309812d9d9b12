"""Events leave a service through a table, in the transaction that made them true."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

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
    func,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit import tracing
from services.kit.bus.facts import Fact
from services.kit.ids import new_id

# Kafka takes a mebibyte with all that is around it. A larger fact could never leave, and none behind it could.
MAX_BODY: Final = 900 * 1024


class FactTooLarge(ValueError):
    """A fact that no broker takes; whoever would have said it has to say less."""


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
        """Publish these, in this order, if and only if the transaction commits. Raises FactTooLarge."""
        if not facts:
            return
        columns = _columns(facts, tracing.traceparent())
        if too_large := [fact.key for fact, body in zip(facts, columns["body"], strict=True) if len(body) > MAX_BODY]:
            raise FactTooLarge(f"more than {MAX_BODY} bytes about {', '.join(too_large)}")
        await self._tx.execute(_ADD, columns)

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
        await self._tx.execute(_FORGET, {"ids": list(row_ids)})


# One statement for a batch, and the same statement for every size of it.
_ADD: Final = text("""
    INSERT INTO outbox (fact_id, topic, key, type, body, traceparent)
    SELECT fact_id, topic, key, type, body, traceparent
    FROM unnest(CAST(:fact_id AS text[]), CAST(:topic AS text[]), CAST(:key AS text[]), CAST(:type AS text[]),
                CAST(:body AS bytea[]), CAST(:traceparent AS text[]))
    WITH ORDINALITY AS r (fact_id, topic, key, type, body, traceparent, place) ORDER BY place
""")
_FORGET: Final = text("DELETE FROM outbox WHERE id = ANY(:ids)")


def _columns(facts: Sequence[Outgoing], here: str) -> dict[str, list[Any]]:
    return {
        "fact_id": [new_id() for _ in facts],
        "topic": [fact.topic for fact in facts],
        "key": [fact.key for fact in facts],
        "type": [fact.body.DESCRIPTOR.full_name for fact in facts],
        "body": [fact.body.SerializeToString() for fact in facts],
        "traceparent": [fact.traceparent or here for fact in facts],
    }
