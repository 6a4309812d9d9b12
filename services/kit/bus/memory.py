"""A bus within the process: the twin of Kafka's for tests. It promises the same and passes the same suite."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from services.kit.bus.facts import Burial, Fact, Handle
from services.kit.bus.kafka import TRIES
from services.kit.bus.wire import DEAD, reason_of
from services.kit.clock import utc_now
from services.kit.errors import NotNow


class MemoryBus:
    """All topics of one test. `MemoryBus` publishes; `consumer(...)` gives one member of a group."""

    def __init__(self) -> None:
        self.topics: dict[str, list[Fact]] = defaultdict(list)
        self._positions: dict[tuple[str, str], int] = defaultdict(int)
        self._grown = asyncio.Condition()

    async def publish(self, facts: Sequence[Fact]) -> None:
        async with self._grown:
            for fact in facts:
                self.topics[fact.topic].append(fact)
            self._grown.notify_all()

    def consumer(self, *, topics: Sequence[str], group: str) -> MemoryConsumer:
        return MemoryConsumer(self, topics, group)

    async def next_batch(self, topics: Sequence[str], group: str) -> list[Fact]:
        async with self._grown:
            await self._grown.wait_for(lambda: any(self._unread(topic, group) for topic in topics))
            return [fact for topic in topics for fact in self._unread(topic, group)]

    def commit(self, facts: Sequence[Fact], group: str) -> None:
        for fact in facts:
            self._positions[fact.topic, group] += 1

    def _unread(self, topic: str, group: str) -> list[Fact]:
        return self.topics[topic][self._positions[topic, group] :]


class MemoryConsumer:
    def __init__(self, bus: MemoryBus, topics: Sequence[str], group: str) -> None:
        self._bus, self._topics, self._group = bus, topics, group

    async def run(self, handle: Handle) -> None:
        while True:
            facts = await self._bus.next_batch(self._topics, self._group)
            try:
                await self._handle_all(handle, facts)
            except NotNow:
                await asyncio.sleep(0)
                continue
            self._bus.commit(facts, self._group)

    async def _handle_all(self, handle: Handle, facts: Sequence[Fact]) -> None:
        try:
            await handle(facts)
        except NotNow:
            raise
        except Exception:  # noqa: BLE001 - as the real one: one by one, then buried
            for fact in facts:
                await self._handle_one(handle, fact)

    async def _handle_one(self, handle: Handle, fact: Fact) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                await handle([fact])
            except NotNow:
                raise
            except Exception as error:  # noqa: BLE001 - the next try, then the dead-letter topic
                if attempt == TRIES:
                    await self._bury(fact, error)
            else:
                return

    async def _bury(self, fact: Fact, error: Exception) -> None:
        burial = Burial(
            reason=reason_of(error),
            group=self._group,
            topic=fact.topic,
            partition=0,
            offset=self._bus.topics[fact.topic].index(fact),
            tries=TRIES,
            at=utc_now(),
        )
        await self._bus.publish([replace(fact, topic=fact.topic + DEAD, burial=burial)])
