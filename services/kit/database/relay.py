"""Carries the outbox to Kafka, in order per key, and survives the loss of either end."""

import asyncio
from typing import Final

import structlog
from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit import metrics
from services.kit.bus.facts import Publisher
from services.kit.database.engine import postgres_errors, transaction
from services.kit.database.outbox import Outbox
from services.kit.errors import NotNow

BATCH: Final = 500
# How often to look when nobody woke us: facts of another replica, or of a process that died.
IDLE_S: Final = 1.0
BACKOFF_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
log = structlog.get_logger()


class Relay:
    """One of all replicas sends at a time: two senders could overtake each other."""

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
            self._woken.clear()
            try:
                sent = await self._send_some()
                failures = 0
            except NotNow as away:
                sent = 0
                failures += 1
                log.warning("relay_waits", error=str(away), failures=failures)
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])
            if sent < BATCH:
                await self._idle()

    async def _idle(self) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _send_some(self) -> int:
        with postgres_errors():
            return await self._send_under_lock()

    async def _send_under_lock(self) -> int:
        # The advisory lock belongs to the session, so no transaction stays open while Kafka is asked.
        async with self._engine.connect() as session:
            if not await _lock(session):
                return 0
            try:
                return await self._send_batch()
            finally:
                await _unlock(session)

    async def _send_batch(self) -> int:
        async with transaction(self._engine) as tx:
            waiting = await Outbox(self._outbox, tx).oldest(BATCH)
        if not waiting:
            metrics.OUTBOX_WAITING.set(0)
            return 0
        await self._publisher.publish([fact for _, fact in waiting])
        async with transaction(self._engine) as tx:
            await Outbox(self._outbox, tx).forget([row_id for row_id, _ in waiting])
            left = await tx.scalar(select(func.count()).select_from(self._outbox))
        metrics.OUTBOX_WAITING.set(left or 0)
        return len(waiting)


async def _lock(session: AsyncConnection) -> bool:
    got = await session.scalar(text("SELECT pg_try_advisory_lock(hashtext(current_schema()))"))
    await session.commit()
    return bool(got)


async def _unlock(session: AsyncConnection) -> None:
    """A session that may still have the lock must not go back to the pool: nobody could send any more."""
    try:
        await session.execute(text("SELECT pg_advisory_unlock(hashtext(current_schema()))"))
        await session.commit()
    except BaseException:
        await session.invalidate()
        raise
