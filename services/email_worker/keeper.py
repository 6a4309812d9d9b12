"""Keeps count of what waits, and forgets what is long done."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from services.email_worker import metrics
from services.email_worker.ports import Store
from services.kit.clock import Clock
from services.kit.errors import NotNow
from services.kit.metrics import counted_rounds

COUNT_EVERY_S: Final = 5.0
FORGET_EVERY: Final = 720
# Longer than the inbox remembers: by then no fact can bring the mail again.
KEPT: Final = timedelta(days=30)
log = structlog.get_logger()


class Keeper:
    def __init__(self, store: Store, now: Clock) -> None:
        self._store, self._now = store, now

    async def run(self) -> None:
        """For as long as the process lives."""
        turn = 0
        while True:
            try:
                await self._count()
                if turn % FORGET_EVERY == 0:
                    await self._store.forget(before=self._now() - KEPT)
                turn += 1
            except NotNow as away:
                log.warning("keeper_waits", error=str(away))
            await asyncio.sleep(COUNT_EVERY_S)

    @counted_rounds("keeper")
    async def _count(self) -> None:
        queue = await self._store.queue(now=self._now())
        metrics.WAITING.set(queue.waiting)
        metrics.OLDEST.set(queue.oldest_s)
