"""The embedded broker: what we rely on, and what it cannot do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnknownError

from services.local.stores import Broker, create_topics
from tests.ports import free_port


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with Broker(tmp_path / "broker", port=free_port(), topics=("seats",)) as running:
        yield running


async def test_topics_are_there_after_every_start(broker: Broker) -> None:
    await broker.kill()
    await broker.start()

    assert await _partitions(broker, "seats") == 8


async def test_a_topic_that_exists_is_left_as_it_is(broker: Broker) -> None:
    await create_topics(broker.address, ("seats", "bookings"), partitions=3)

    assert await _partitions(broker, "seats") == 8
    assert await _partitions(broker, "bookings") == 3


async def test_a_group_goes_on_where_it_committed(broker: Broker) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.address, acks="all") as producer:
        for number in range(3):
            await producer.send_and_wait("seats", b"%d" % number, key=b"e1", headers=[("traceparent", b"t")])

    async with _member(broker) as first:
        taken = [await asyncio.wait_for(first.getone(), 45) for _ in range(2)]
        seen = TopicPartition("seats", taken[-1].partition)
        await first.commit({seen: taken[-1].offset + 1})
    async with _member(broker) as second:
        rest = await asyncio.wait_for(second.getone(), 45)

    assert [message.value for message in taken] == [b"0", b"1"]
    assert taken[0].headers == (("traceparent", b"t"),)
    assert rest.value == b"2"


async def test_it_has_no_idempotent_producer(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    """When this fails, tansu has learnt it: turn idempotence on for the local run."""
    caplog.set_level(logging.CRITICAL, "aiokafka")
    producer = AIOKafkaProducer(bootstrap_servers=broker.address, enable_idempotence=True)

    with pytest.raises(UnknownError):
        await asyncio.wait_for(producer.start(), 45)

    await producer.stop()


def _member(broker: Broker) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        "seats",
        bootstrap_servers=broker.address,
        group_id="emails",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )


async def _partitions(broker: Broker, topic: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        [described] = await admin.describe_topics([topic])
    finally:
        await admin.close()
    return len(described["partitions"])
