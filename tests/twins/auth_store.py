"""What auth keeps, in memory. Transactions run one after the other, so each lock is held to the end of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import datetime

from services.auth.domain import Account, RefreshToken, Registered, Session, SigningKey
from services.kit.errors import DependencyDown


class MemoryAuthStore:
    def __init__(self) -> None:
        self.state = MemoryRecords()
        self.away = False
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryRecords]:
        if self.away:
            raise DependencyDown("postgres")
        async with self._turn:
            before = deepcopy(self.state)
            try:
                yield self.state
            except BaseException:
                self.state = before
                raise


class MemoryRecords:
    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.sessions: dict[str, Session] = {}
        self.tokens: dict[bytes, RefreshToken] = {}
        self.keys: dict[str, SigningKey] = {}
        self.published: list[Registered] = []

    async def add_accounts(self, accounts: Sequence[Account]) -> set[str]:
        added = set()
        for account in accounts:
            if await self.find_by_email(account.email) is None:
                self.accounts[account.user_id] = account
                added.add(account.user_id)
        return added

    async def find(self, user_id: str, *, lock: bool = False) -> Account | None:
        return self.accounts.get(user_id)

    async def find_by_email(self, email: str) -> Account | None:
        return next((account for account in self.accounts.values() if account.email == email), None)

    async def save_roles(self, account: Account) -> None:
        self.accounts[account.user_id] = replace(self.accounts[account.user_id], roles=account.roles)

    async def replace_hash(self, user_id: str, *, old: str, new: str) -> None:
        account = self.accounts[user_id]
        if account.password_hash == old:
            self.accounts[user_id] = replace(account, password_hash=new)

    async def add_sessions(self, opened: Sequence[tuple[Session, RefreshToken]]) -> None:
        for session, token in opened:
            self.sessions[session.session_id] = session
            self.tokens[token.digest] = token

    async def hold_token(self, digest: bytes) -> tuple[RefreshToken, Session] | None:
        token = self.tokens.get(digest)
        return (token, self.sessions[token.session_id]) if token else None

    async def exchange(self, used: RefreshToken, successor: RefreshToken, *, at: datetime) -> None:
        self.tokens[used.digest] = replace(used, used_at=at)
        self.tokens[successor.digest] = successor
        session = self.sessions[used.session_id]
        self.sessions[used.session_id] = replace(session, expires_at=successor.expires_at)

    async def revoke(self, session_id: str, *, at: datetime) -> None:
        session = self.sessions[session_id]
        self.sessions[session_id] = replace(session, revoked_at=session.revoked_at or at)

    async def signing_keys(self, *, lock: bool = False) -> Sequence[SigningKey]:
        return [key for _, key in sorted(self.keys.items())]

    async def save_keys(self, keys: Sequence[SigningKey]) -> None:
        self.keys |= {key.kid: key for key in keys}

    async def publish(self, facts: Sequence[Registered]) -> None:
        self.published.extend(facts)

    async def forget_expired(self, *, before: datetime, limit: int) -> int:
        tokens = [digest for digest, token in self.tokens.items() if token.expires_at < before][:limit]
        for digest in tokens:
            del self.tokens[digest]
        sessions = [key for key, session in self.sessions.items() if session.expires_at < before][:limit]
        for session_id in sessions:
            del self.sessions[session_id]
            self.tokens = {digest: one for digest, one in self.tokens.items() if one.session_id != session_id}
        keys = [kid for kid, key in self.keys.items() if key.retires_at and key.retires_at < before][:limit]
        for kid in keys:
            del self.keys[kid]
        return len(tokens) + len(sessions) + len(keys)
