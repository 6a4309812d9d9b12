"""Profiles in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit.database.engine import transaction
from services.kit.database.inbox import Inbox
from services.user.domain import Address, Profile
from services.user.tables import ADDRESSES, INBOX, PROFILES


class PostgresStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresProfiles]:
        async with transaction(self._engine) as tx:
            yield PostgresProfiles(tx)


class PostgresProfiles:
    def __init__(self, tx: AsyncConnection) -> None:
        self._tx = tx

    async def find(self, user_id: str, *, lock: bool = False) -> Profile | None:
        query = select(PROFILES).where(PROFILES.c.user_id == user_id)
        row = (await self._tx.execute(query.with_for_update() if lock else query)).one_or_none()
        return Profile(**row._mapping) if row else None

    async def names(self, user_ids: Collection[str]) -> Mapping[str, str]:
        c = PROFILES.c
        rows = await self._tx.execute(select(c.user_id, c.name).where(c.user_id.in_(user_ids)))
        return {row.user_id: row.name for row in rows}

    async def add(self, profiles: Sequence[Profile]) -> None:
        if profiles:
            rows = [asdict(profile) for profile in profiles]
            await self._tx.execute(insert(PROFILES).values(rows).on_conflict_do_nothing())

    async def save(self, profile: Profile) -> None:
        await self._tx.execute(update(PROFILES).where(PROFILES.c.user_id == profile.user_id).values(asdict(profile)))

    async def addresses(self, user_id: str) -> Sequence[Address]:
        columns = [column for column in ADDRESSES.c if column.name != "user_id"]
        mine = select(*columns).where(ADDRESSES.c.user_id == user_id).order_by(ADDRESSES.c.address_id)
        return [Address(**row._mapping) for row in await self._tx.execute(mine)]

    async def save_address(self, user_id: str, address: Address) -> None:
        if address.is_default:
            mine = ADDRESSES.c.user_id == user_id
            await self._tx.execute(update(ADDRESSES).where(mine).values(is_default=False))
        row = asdict(address) | {"user_id": user_id}
        saved = insert(ADDRESSES).values(row)
        await self._tx.execute(saved.on_conflict_do_update(index_elements=["address_id"], set_=row))

    async def remove_address(self, user_id: str, address_id: str) -> None:
        c = ADDRESSES.c
        await self._tx.execute(delete(ADDRESSES).where(c.user_id == user_id, c.address_id == address_id))

    async def first_time(self, fact_ids: Collection[str]) -> set[str]:
        return await Inbox(INBOX, self._tx).first_time(fact_ids)
