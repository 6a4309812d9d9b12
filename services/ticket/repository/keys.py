"""Keys that sign tickets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit.database.engine import transaction
from services.ticket.signing import Key
from services.ticket.tables import SIGNING_KEYS


class PostgresKeys:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def own(self, make: Callable[[], Key]) -> Key:
        async with transaction(self._engine) as tx:
            # Two replicas at their first start must not make two.
            await tx.execute(text("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE"))
            c = SIGNING_KEYS.c
            kept = select(c.seed).where(c.seed.is_not(None)).order_by(c.made_at.desc(), c.kid).limit(1)
            seed = await tx.scalar(kept)
            if seed is not None:
                return Key(bytes(seed))
            key = make()
            await _add(tx, key, seed=key.seed)
            return key

    async def remember(self, key: Key) -> None:
        async with transaction(self._engine) as tx:
            await _add(tx, key, seed=None)

    async def public_keys(self) -> Mapping[str, bytes]:
        async with transaction(self._engine) as tx:
            c = SIGNING_KEYS.c
            rows = await tx.execute(select(c.kid, c.public_key).order_by(c.made_at, c.kid))
            return {row.kid: bytes(row.public_key) for row in rows}


async def _add(tx: AsyncConnection, key: Key, *, seed: bytes | None) -> None:
    row = {"kid": key.kid, "public_key": key.public, "seed": seed}
    await tx.execute(insert(SIGNING_KEYS).values(row).on_conflict_do_nothing())
