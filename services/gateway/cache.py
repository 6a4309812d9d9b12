"""A short-lived cache in front of a peer: a crowd that asks for the same thing costs one call."""

import asyncio
import contextvars
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.gateway import metrics
from services.kit.errors import Kind, Told


@dataclass(frozen=True, slots=True)
class _Known[V]:
    value: V | Told
    until: float


class Coalescing[V]:
    """Keeps what `load` returned for `found_s`, and that there is no such thing for `missing_s`; bounded, oldest out.

    While a load is under way everybody waits for that one. What failed is not kept: the next one asks again.
    """

    def __init__(
        self,
        load: Callable[[str], Awaitable[V]],
        *,
        name: str,
        found_s: float,
        missing_s: float,
        most: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load, self._name, self._now = load, name, now
        self._found_s, self._missing_s, self._most = found_s, missing_s, most
        self._known: OrderedDict[str, _Known[V]] = OrderedDict()
        self._loading: dict[str, asyncio.Task[V]] = {}
        self._hits = metrics.CACHE_LOOKUPS.labels(name, "hit")
        self._misses = metrics.CACHE_LOOKUPS.labels(name, "miss")

    async def get(self, key: str) -> V:
        """The value of that key. Raises what `load` raises."""
        known = self._known.get(key)
        if known is not None and known.until > self._now():
            self._hits.inc()
            if isinstance(known.value, Told):
                raise known.value.with_traceback(None)
            return known.value
        self._misses.inc()
        # Shielded: the one who asked first may leave, the others still want it.
        return await asyncio.shield(self._loading.get(key) or self._begin(key))

    def forget(self, key: str) -> None:
        self._known.pop(key, None)
        self._loading.pop(key, None)

    async def close(self) -> None:
        for task in list(self._loading.values()):
            task.cancel()

    def _begin(self, key: str) -> asyncio.Task[V]:
        # In an empty context: the load serves everybody, so one buyer's deadline or trace does not belong to it.
        task = asyncio.create_task(self._load_one(key), name=f"load:{self._name}", context=contextvars.Context())
        self._loading[key] = task
        task.add_done_callback(lambda done: self._ended(key, done))
        return task

    async def _load_one(self, key: str) -> V:
        return await self._load(key)

    def _ended(self, key: str, task: asyncio.Task[V]) -> None:
        if self._loading.get(key) is not task:  # Forgotten while it was under way: it may be from before the change.
            if not task.cancelled():
                task.exception()
            return
        del self._loading[key]
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._keep(key, task.result(), self._found_s)
        elif isinstance(error, Told) and error.kind is Kind.MISSING:
            self._keep(key, error, self._missing_s)

    def _keep(self, key: str, value: V | Told, for_s: float) -> None:
        self._known[key] = _Known(value, self._now() + for_s)
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
