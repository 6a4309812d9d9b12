"""Natural batching: while one batch is being worked, the next one gathers. No timers, nothing to tune."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Final, NamedTuple

from opentelemetry.trace import Span

from services.kit import metrics, tracing
from services.kit.errors import Overloaded

MAX_BATCH: Final = 256
MAX_WAITING: Final = 20_000


class _Waiting[T, R](NamedTuple):
    item: T
    outcome: asyncio.Future[R]
    span: Span | None


class Batcher[T, R]:
    """Turns a handler for many into an `await` for one.

    Items of one kind (`of`) are worked in the order they were submitted, at most `max_batch` at a time and one batch at
    a time, so the order holds between batches too. While more waits than fits, the kinds take turns: one that is asked
    for very often makes the others wait for a batch, and not for all that it has in line. With more than one lane that
    many batches are worked side by side, for work in which one slow item must not hold up the rest and order does not
    matter.

    `work` returns one outcome an item, in their order; an outcome that is an exception is raised at that item's caller
    alone. When `work` itself raises, every caller of the batch gets it. A caller that is cancelled leaves; its item,
    once taken into a batch, is worked all the same. A batch is worked in the trace of the first of its callers that
    has a sampled one; the others link there.
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
        # Kind → what waits of it; the kind whose turn it is first.
        self._lines: OrderedDict[str, deque[_Waiting[T, R]]] = OrderedDict()
        self._waiting = 0
        self._workers: set[asyncio.Task[None] | None] = set()

    async def __call__(self, item: T, *, of: str = "") -> R:
        """Work one item together with whatever else waits. Raises Overloaded when too much waits already."""
        if self._waiting >= self._max_waiting:
            raise Overloaded(self._name)
        outcome: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        span = tracing.begun(self._name)
        self._append(of, _Waiting(item, outcome, span))
        if len(self._workers) < self._lanes:
            self._start_worker()
        if span is None:
            return await outcome
        try:
            return await outcome
        finally:
            span.end()

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

    def _append(self, kind: str, waiting: _Waiting[T, R]) -> None:
        line = self._lines.get(kind)
        if line is None:
            line = self._lines[kind] = deque()
        line.append(waiting)
        self._waiting += 1

    def _next_batch(self) -> list[_Waiting[T, R]]:
        batch: list[_Waiting[T, R]] = []
        while self._waiting and len(batch) < self._max_batch:
            waiting = self._next()
            if not waiting.outcome.cancelled():
                batch.append(waiting)
        return batch

    def _next(self) -> _Waiting[T, R]:
        kind = next(iter(self._lines))
        line = self._lines[kind]
        waiting = line.popleft()
        self._waiting -= 1
        if not line:
            del self._lines[kind]
        elif len(self._lines) > 1:
            self._lines.move_to_end(kind)
        return waiting

    async def _work_batch(self, batch: Sequence[_Waiting[T, R]]) -> None:
        metrics.batch_begun(self._name, batch, self._waiting)
        began = time.perf_counter()
        try:
            with tracing.led([one.span for one in batch]):
                outcomes = await self._work([one.item for one in batch])
                metrics.batch_worked(self._name, time.perf_counter() - began)
            answered = list(zip(batch, outcomes, strict=True))
        except Exception as fault:  # noqa: BLE001 - it is raised at every caller, none of which we know
            answered = [(one, fault) for one in batch]
        for one, outcome in answered:
            if one.outcome.done():
                continue
            if isinstance(outcome, Exception):
                one.outcome.set_exception(outcome)
            else:
                one.outcome.set_result(outcome)
