"""Everything that auth keeps, in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.auth.domain import Account, RefreshToken, Registered, Role, Session, SigningKey
from services.auth.facts import outgoing
from services.auth.tables import ACCOUNTS, OUTBOX, REFRESH_TOKENS, SESSIONS, SIGNING_KEYS
from services.kit.database.engine import transaction
from services.kit.database.outbox import Outbox


class PostgresStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresRecords]:
        async with transaction(self._engine) as tx:
            yield PostgresRecords(tx)


class PostgresRecords:
    def __init__(self, tx: AsyncConnection) -> None:
        self._tx = tx

    async def add_accounts(self, accounts: Sequence[Account]) -> set[str]:
        if not accounts:
            return set()
        added = insert(ACCOUNTS).values([_row(account) for account in accounts])
        added_ids = added.on_conflict_do_nothing(index_elements=["email"]).returning(ACCOUNTS.c.user_id)
        return set((await self._tx.execute(added_ids)).scalars())

    async def find(self, user_id: str, *, lock: bool = False) -> Account | None:
        query = select(ACCOUNTS).where(ACCOUNTS.c.user_id == user_id)
        row = (await self._tx.execute(query.with_for_update() if lock else query)).one_or_none()
        return _account(row) if row else None

    async def find_by_email(self, email: str) -> Account | None:
        row = (await self._tx.execute(select(ACCOUNTS).where(ACCOUNTS.c.email == email))).one_or_none()
        return _account(row) if row else None

    async def save_roles(self, account: Account) -> None:
        mine = ACCOUNTS.c.user_id == account.user_id
        await self._tx.execute(update(ACCOUNTS).where(mine).values(roles=[role.value for role in account.roles]))

    async def replace_hash(self, user_id: str, *, old: str, new: str) -> None:
        unchanged = (ACCOUNTS.c.user_id == user_id) & (ACCOUNTS.c.password_hash == old)
        await self._tx.execute(update(ACCOUNTS).where(unchanged).values(password_hash=new))

    async def add_sessions(self, opened: Sequence[tuple[Session, RefreshToken]]) -> None:
        if opened:
            await self._tx.execute(insert(SESSIONS), [asdict(session) for session, _ in opened])
            await self._tx.execute(insert(REFRESH_TOKENS), [asdict(token) for _, token in opened])

    async def hold_token(self, digest: bytes) -> tuple[RefreshToken, Session] | None:
        tokens, sessions = REFRESH_TOKENS.c, SESSIONS.c
        # Both rows are locked: of a row that is not, a waiter would go on with what it saw before it waited.
        held = (
            select(tokens.used_at, tokens.expires_at.label("token_expires_at"), SESSIONS)
            .join_from(REFRESH_TOKENS, SESSIONS, tokens.session_id == sessions.session_id)
            .where(tokens.digest == digest)
            .with_for_update(of=[REFRESH_TOKENS, SESSIONS])
        )
        row = (await self._tx.execute(held)).one_or_none()
        if row is None:
            return None
        fields = dict(row._mapping)
        used_at, expires_at = fields.pop("used_at"), fields.pop("token_expires_at")
        session = Session(**fields)
        token = RefreshToken(digest=digest, session_id=session.session_id, expires_at=expires_at, used_at=used_at)
        return token, session

    async def exchange(self, used: RefreshToken, successor: RefreshToken, *, at: datetime) -> None:
        await self._tx.execute(update(REFRESH_TOKENS).where(REFRESH_TOKENS.c.digest == used.digest).values(used_at=at))
        await self._tx.execute(insert(REFRESH_TOKENS), [asdict(successor)])
        session = SESSIONS.c.session_id == used.session_id
        await self._tx.execute(update(SESSIONS).where(session).values(expires_at=successor.expires_at))

    async def revoke(self, session_id: str, *, at: datetime) -> None:
        alive = (SESSIONS.c.session_id == session_id) & SESSIONS.c.revoked_at.is_(None)
        await self._tx.execute(update(SESSIONS).where(alive).values(revoked_at=at))

    async def signing_keys(self, *, lock: bool = False) -> Sequence[SigningKey]:
        if lock:
            # Not a lock of rows: there may be none yet.
            await self._tx.execute(text("SELECT pg_advisory_xact_lock(hashtext(current_schema() || ' signing keys'))"))
        rows = await self._tx.execute(select(SIGNING_KEYS).order_by(SIGNING_KEYS.c.kid))
        return [SigningKey(**row._mapping) for row in rows]

    async def save_keys(self, keys: Sequence[SigningKey]) -> None:
        for key in keys:
            saved = insert(SIGNING_KEYS).values(asdict(key))
            await self._tx.execute(saved.on_conflict_do_update(index_elements=["kid"], set_=asdict(key)))

    async def publish(self, facts: Sequence[Registered]) -> None:
        await Outbox(OUTBOX, self._tx).add([outgoing(fact) for fact in facts])

    async def forget_expired(self, *, before: datetime, limit: int) -> int:
        ends = (
            (REFRESH_TOKENS, "digest", "expires_at"),
            (SESSIONS, "session_id", "expires_at"),
            (SIGNING_KEYS, "kid", "retires_at"),
        )
        return sum([await self._delete_ended(table, key, end, before, limit) for table, key, end in ends])

    async def _delete_ended(self, table: Table, key: str, end: str, before: datetime, limit: int) -> int:
        # Rows that somebody holds are left for the next time.
        ended = select(table.c[key]).where(table.c[end] < before).limit(limit).with_for_update(skip_locked=True)
        return (await self._tx.execute(delete(table).where(table.c[key].in_(ended)))).rowcount


def _row(account: Account) -> dict[str, Any]:
    return asdict(account) | {"roles": [role.value for role in account.roles]}


def _account(row: Row[Any]) -> Account:
    fields = dict(row._mapping)
    return Account(**fields | {"roles": tuple(Role(role) for role in fields["roles"])})
