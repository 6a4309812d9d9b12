"""Carries the outbox to Kafka, in order per key, and survives the loss of either end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit import metrics
from services.kit.bus.facts import Publisher
from services.kit.database.engine import postgres_errors
from services.kit.database.outbox import Outbox
from services.kit.errors import NotNow

BATCH: Final = 500
# How often to look when nobody woke us: facts of another replica, or of a process that died.
IDLE_S: Final = 1.0
GATHER_S: Final = 0.03
BACKOFF_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
# It ends with the session that has it.
_LOCK: Final = text("SELECT pg_try_advisory_lock(hashtext(current_schema()))")
log = structlog.get_logger()


class Relay:
    """One of all replicas sends at a time: two senders could overtake each other.

    Whoever sends has an advisory lock for as long as its session lives, and reads and deletes on that very session: a
    relay that lost its lock has lost its session too, and can not delete what it did not send.
    """

    def __init__(self, engine: AsyncEngine, outbox: Table, publisher: Publisher) -> None:
        self._engine, self._outbox, self._publisher = engine, outbox, publisher
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was committed; do not wait for the next look."""
        self._woken.set()

    async def run(self) -> None:
        """For as long as the process lives."""
        failures = 0
        while True:
            try:
                async with self._session() as session:
                    if await session.scalar(_LOCK):
                        while True:
                            await self._send_some(session)
                            failures = 0
                await asyncio.sleep(IDLE_S)  # Another replica sends.
            except NotNow as away:
                failures += 1
                log.warning("relay_waits", error=str(away), failures=failures)
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncConnection]:
        with postgres_errors():
            async with self._engine.connect() as connection:
                session = await connection.execution_options(isolation_level="AUTOCOMMIT")
                try:
                    yield session
                finally:
                    # It may have the lock, so it must not go back to the pool: nobody could send any more.
                    await session.invalidate()

    async def _send_some(self, session: AsyncConnection) -> None:
        """Send what waits, then wait until there is more or it is time to look."""
        outbox = Outbox(self._outbox, session)
        self._woken.clear()
        waiting = await outbox.oldest(BATCH)
        # Said before Kafka is asked, for it is when that fails that somebody looks.
        metrics.OUTBOX_WAITING.set(len(waiting) if len(waiting) < BATCH else await self._count(session))
        if waiting:
            await self._publisher.publish([fact for _, fact in waiting])
            await outbox.forget([row_id for row_id, _ in waiting])
        if len(waiting) < BATCH:
            metrics.OUTBOX_WAITING.set(0)
            await self._until_woken()

    async def _count(self, session: AsyncConnection) -> int:
        return await session.scalar(select(func.count()).select_from(self._outbox)) or 0

    async def _until_woken(self) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                await self._woken.wait()
        except TimeoutError:
            return
        # No buyer waits for a fact, so a few more may gather.
        await asyncio.sleep(GATHER_S)
