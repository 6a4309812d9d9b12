"""The buses a contract suite runs over: the twin, the embedded broker, and a real Kafka where there is Java."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Protocol

from services.kit.bus.facts import Consumer, Publisher
from services.kit.bus.kafka import KafkaConsumer, KafkaPublisher
from services.kit.bus.memory import MemoryBus
from services.kit.bus.wire import DEAD
from services.kit.settings import KafkaSettings
from services.local.stores import create_topics
from tests import apache_kafka

EMBEDDED = "embedded"
# Its consumers take all partitions, or share them as members of a group.
KAFKA, KAFKA_GROUPS = "kafka", "kafka-groups"
BROKERS = [EMBEDDED, *([] if apache_kafka.missing() else [KAFKA, KAFKA_GROUPS])]


class Bus(Protocol):
    """One bus, as a test meets it."""

    publisher: Publisher

    async def open(self, *topics: str) -> None:
        """Make the topics, each with its dead-letter topic."""

    def consumer(self, *topics: str, group: str) -> Consumer: ...


class TwinBus:
    def __init__(self) -> None:
        self._bus = MemoryBus()
        self.publisher: Publisher = self._bus

    async def open(self, *topics: str) -> None:
        """Its topics come to be when they are written to."""

    def consumer(self, *topics: str, group: str) -> Consumer:
        return self._bus.consumer(topics=topics, group=group)


@dataclass
class BrokerBus:
    """A broker that speaks Kafka's protocol."""

    address: str
    join_groups: bool
    publisher: Publisher = field(init=False)

    def __post_init__(self) -> None:
        self._settings = KafkaSettings(kafka_brokers=self.address, kafka_join_groups=self.join_groups)
        self._kafka = KafkaPublisher(self._settings, source="test")
        self.publisher = self._kafka

    async def open(self, *topics: str) -> None:
        await create_topics(self.address, [name + end for name in topics for end in ("", DEAD)])

    def consumer(self, *topics: str, group: str) -> Consumer:
        return KafkaConsumer(self._settings, topics=topics, group=group, publisher=self._kafka)

    async def close(self) -> None:
        await self._kafka.close()


async def connected(address: str, *, join_groups: bool) -> AsyncIterator[Bus]:
    async with AsyncExitStack() as stack:
        bus = BrokerBus(address, join_groups)
        stack.push_async_callback(bus.close)
        yield bus
