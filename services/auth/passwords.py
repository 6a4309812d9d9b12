"""Argon2id, in a few threads of its own."""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from services.auth import metrics
from services.auth.settings import AuthSettings
from services.kit.errors import Overloaded


class Argon2Passwords:
    """Hashes in the background: the threads bound what it takes of the processor, `waiting` how long one waits."""

    def __init__(self, hasher: PasswordHasher, *, threads: int, waiting: int) -> None:
        self._hasher = hasher
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._bound = threads + waiting
        self._under_way = 0
        # With today's parameters, of a password that nobody can have.
        self._nobodys = hasher.hash("\0 nobody's")

    @classmethod
    def of(cls, settings: AuthSettings) -> Self:
        hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        return cls(hasher, threads=settings.password_threads, waiting=settings.password_waiting)

    async def hash(self, password: str) -> str:
        return await self._aside(lambda: self._hasher.hash(_same_for_all_keyboards(password)))

    async def matches(self, password: str, password_hash: str | None) -> bool:
        return await self._aside(lambda: self._verify(password_hash or self._nobodys, password))

    def outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _same_for_all_keyboards(password))
        except (VerifyMismatchError, InvalidHashError):
            return False

    async def _aside[T](self, work: Callable[[], T]) -> T:
        if self._under_way >= self._bound:
            raise Overloaded("passwords")
        self._under_way += 1
        metrics.PASSWORDS_WAITING.set(self._under_way)
        began = time.perf_counter()
        try:
            # A caller that leaves takes its work out of the line, unless it has begun.
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._under_way -= 1
            metrics.PASSWORDS_WAITING.set(self._under_way)
            metrics.PASSWORD_SECONDS.observe(time.perf_counter() - began)


def _same_for_all_keyboards(password: str) -> str:
    """One form for an accented letter, however it was typed."""
    return unicodedata.normalize("NFKC", password)
