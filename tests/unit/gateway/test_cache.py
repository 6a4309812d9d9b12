"""The short-lived cache: one call for a crowd, and nothing kept that was not an answer."""

from __future__ import annotations

import asyncio

import pytest

from services.gateway.cache import Coalescing
from services.gateway.domain import UnknownEvent
from services.kit.errors import DependencyDown


class Loader:
    def __init__(self) -> None:
        self.calls = 0
        self.now = 0.0
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def load(self, key: str) -> str:
        self.calls += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return f"{key}{self.calls}"

    def cache(self, most: int = 10) -> Coalescing[str]:
        return Coalescing(self.load, name="test", found_s=5, missing_s=1, most=most, now=lambda: self.now)


async def test_a_crowd_costs_one_call() -> None:
    loader = Loader()
    cache = loader.cache()

    values = await asyncio.gather(*(cache.get("a") for _ in range(50)))

    assert (set(values), loader.calls) == ({"a1"}, 1)


async def test_a_value_is_kept_for_its_time() -> None:
    loader = Loader()
    cache = loader.cache()
    await cache.get("a")

    loader.now = 4.9
    kept = await cache.get("a")
    loader.now = 5.0
    fresh = await cache.get("a")

    assert (kept, fresh) == ("a1", "a2")


async def test_that_there_is_nothing_is_kept_for_less() -> None:
    loader = Loader()
    loader.error = UnknownEvent()
    cache = loader.cache()
    for loader.now in (0.0, 0.9, 1.0):
        with pytest.raises(UnknownEvent):
            await cache.get("a")

    assert loader.calls == 2


async def test_a_failure_is_not_kept() -> None:
    loader = Loader()
    loader.error = DependencyDown("event")
    cache = loader.cache()
    with pytest.raises(DependencyDown):
        await cache.get("a")
    loader.error = None

    assert await cache.get("a") == "a2"


async def test_who_asked_first_may_leave_without_the_others() -> None:
    loader = Loader()
    loader.gate = asyncio.Event()
    cache = loader.cache()
    first, second = asyncio.create_task(cache.get("a")), asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.sleep(0)
    loader.gate.set()

    assert await second == "a1"


async def test_what_was_under_way_when_it_changed_is_not_kept() -> None:
    loader = Loader()
    loader.gate = asyncio.Event()
    cache = loader.cache()
    early = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)

    cache.forget("a")
    loader.gate.set()
    await early

    assert await cache.get("a") == "a2"


async def test_the_oldest_goes_when_it_is_full() -> None:
    loader = Loader()
    cache = loader.cache(most=2)
    for key in ("a", "b", "c"):
        await cache.get(key)

    assert await cache.get("c") == "c3"
    assert await cache.get("a") == "a4"
