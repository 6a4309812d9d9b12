"""Carries the outbox to Kafka, in order per key, and survives the loss of either end."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit import metrics
from services.kit.bus.facts import Fact, Publisher
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
                            sent = await self._send_some(session)
                            failures = 0
                            if sent < BATCH:
                                await self._until_woken()
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

    @metrics.counted_rounds("relay")
    async def _send_some(self, session: AsyncConnection) -> int:
        """Send what waits; how many facts that were."""
        outbox = Outbox(self._outbox, session)
        self._woken.clear()
        waiting = await outbox.oldest(BATCH)
        _tell(waiting)
        if len(waiting) == BATCH:
            metrics.OUTBOX_WAITING.set(await self._count(session))
        if waiting:
            await self._publisher.publish([fact for _, fact in waiting])
            await outbox.forget([row_id for row_id, _ in waiting])
        if len(waiting) < BATCH:
            _tell([])
        return len(waiting)

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


def _tell(waiting: Sequence[tuple[int, Fact]]) -> None:
    """Before they are sent: while Kafka is away, this is what there is to see."""
    metrics.OUTBOX_WAITING.set(len(waiting))
    metrics.OUTBOX_OLDEST.set(max(0.0, time.time() - waiting[0][1].time.timestamp()) if waiting else 0.0)
