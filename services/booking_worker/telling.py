"""Buyers are told what became of their orders. A realtime that is away holds up nobody."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

import structlog

from services.booking_worker import metrics
from services.booking_worker.domain import Decided, Entry
from services.booking_worker.ports import Buyers
from services.kit.errors import Refusal, Told

# How often realtime is asked to take results, and for how long it is left alone when it did not.
TRIES: Final = 2
PAUSE_S: Final = 0.2
LEFT_ALONE_S: Final = 5.0
# Results that wait for realtime; realtime takes no more in one call.
MAX_UNTOLD: Final = 10_000
AT_ONCE: Final = 500
log = structlog.get_logger()

type Result = tuple[Entry, Decided]


class Teller:
    """What booking decided reaches buyers by its facts as well, only later; what the worker decided, by nobody else."""

    def __init__(self, buyers: Buyers, *, left_alone_s: float = LEFT_ALONE_S) -> None:
        self._buyers, self._left_alone_s = buyers, left_alone_s
        self._left_alone_until = 0.0
        self._untold: deque[Result] = deque(maxlen=MAX_UNTOLD)

    async def tell(self, results: Sequence[Result]) -> None:
        """Returns soon, whether they were taken or not."""
        if not results:
            return
        loop = asyncio.get_running_loop()
        if loop.time() >= self._left_alone_until:
            for _ in range(TRIES):
                try:
                    await self._tell_now(results)
                except Told as told:
                    log.warning("results_not_taken", count=len(results), error=str(told))
                    await asyncio.sleep(PAUSE_S)
                else:
                    return
            self._left_alone_until = loop.time() + self._left_alone_s
        metrics.UNSENT.inc(len(results))
        self._untold += [(entry, decided) for entry, decided in results if not decided.booking]

    async def tell_again_forever(self) -> None:
        """What nobody else tells waits here until realtime takes it."""
        while True:
            await asyncio.sleep(self._left_alone_s)
            await self.tell_again()

    async def tell_again(self) -> None:
        while self._untold:
            some = [self._untold.popleft() for _ in range(min(AT_ONCE, len(self._untold)))]
            try:
                await self._tell_now(some)
            except Told:
                self._untold.extendleft(reversed(some))
                return

    async def _tell_now(self, results: Sequence[Result]) -> None:
        try:
            await self._buyers.tell(results)
        except Refusal as refusal:
            if len(results) == 1:
                log.warning("result_refused", booking_id=results[0][0].booking_id, reason=refusal.reason)
                metrics.UNSENT.inc()
                return
            # One result that realtime does not like is no reason to keep the others from their buyers.
            for result in results:
                await self._tell_now([result])
