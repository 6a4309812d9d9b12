"""Natural batching: while one batch is being worked, the next one gathers. No timers, nothing to tune."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Final

from services.kit.errors import Overloaded

MAX_BATCH: Final = 256
MAX_WAITING: Final = 20_000


class Batcher[T, R]:
    """Turns a handler for many into an `await` for one.

    Items are worked in the order they were submitted, at most `max_batch` at a time and one batch at a time, so the
    order holds between batches too. With more than one lane that many batches are worked side by side, for work in
    which one slow item must not hold up the rest and order does not matter.

    `work` returns one outcome an item, in their order; an outcome that is an exception is raised at that item's caller
    alone. When `work` itself raises, every caller of the batch gets it. A caller that is cancelled leaves; its item,
    once taken into a batch, is worked all the same.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]],
        *,
        name: str,
        max_batch: int = MAX_BATCH,
        max_waiting: int = MAX_WAITING,
        lanes: int = 1,
    ) -> None:
        self._work, self._name = work, name
        self._max_batch, self._max_waiting, self._lanes = max_batch, max_waiting, lanes
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._workers: set[asyncio.Task[None] | None] = set()

    async def __call__(self, item: T) -> R:
        """Work one item together with whatever else waits. Raises Overloaded when too much waits already."""
        if len(self._waiting) >= self._max_waiting:
            raise Overloaded(self._name)
        outcome: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, outcome))
        if len(self._workers) < self._lanes:
            self._start_worker()
        return await outcome

    def _start_worker(self) -> None:
        # In a context of its own: a batch has many callers, and must not end at the deadline of the first one.
        self._workers.add(asyncio.create_task(self._drain(), name=f"batch:{self._name}", context=Context()))

    async def _drain(self) -> None:
        try:
            while batch := self._next_batch():
                await self._work_batch(batch)
        finally:
            # Here and not when the task is done: an item that came in between would wait for nobody.
            self._workers.discard(asyncio.current_task())

    def _next_batch(self) -> list[tuple[T, asyncio.Future[R]]]:
        batch: list[tuple[T, asyncio.Future[R]]] = []
        while self._waiting and len(batch) < self._max_batch:
            item, outcome = self._waiting.popleft()
            if not outcome.cancelled():
                batch.append((item, outcome))
        return batch

    async def _work_batch(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            outcomes = await self._work([item for item, _ in batch])
            answered = list(zip(batch, outcomes, strict=True))
        except Exception as fault:  # noqa: BLE001 - it is raised at every caller, none of which we know
            answered = [(pair, fault) for pair in batch]
        for (_, future), outcome in answered:
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
