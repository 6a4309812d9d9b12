"""A fact that nobody can read: every consumer of its topic puts it aside, says so, and goes on selling."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.message import Message

from protos.gen import messages_pb2 as messages
from services.kit.bus.facts import Fact
from services.kit.bus.kafka import KafkaPublisher
from services.kit.ids import new_id
from services.kit.settings import KafkaSettings
from services.local.platform import Platform
from services.local.samples import Sample
from tests.integration.platform.conftest import Buyer, mails_to, result_on_socket
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
# A fact of each topic, and the consumers that have to read it.
READERS: dict[str, tuple[type[Message], set[str]]] = {
    "users": (messages.UserRegistered, {"user", "email-worker"}),
    "events": (messages.EventCancelled, {"ticket", "booking", "email-worker"}),
    "seats": (messages.SeatsChanged, {"realtime"}),
    "bookings": (messages.BookingConfirmed, {"realtime", "email-worker"}),
    "payments": (messages.PaymentSucceeded, {"booking"}),
}


async def test_every_consumer_puts_poison_aside_with_its_name_and_goes_on(
    running: Platform, buyer: Buyer, samples: Sequence[Sample]
) -> None:
    poison = {topic: a_poison(topic, message) for topic, (message, _) in READERS.items()}
    publisher = KafkaPublisher(KafkaSettings(kafka_brokers=running.stores.kafka_brokers), source="test")

    await publisher.publish(list(poison.values()))
    await publisher.close()

    async def all_buried() -> bool:
        letters = await dlq("list", *READERS)
        return all(
            {one["by"] for one in letters if one["key"] == poison[topic].key} == readers
            for topic, (_, readers) in READERS.items()
        )

    await until(all_buried, within_s=60)
    booking_id = await buyer.book(samples[0].event_id, seats=["S12-9-9"])
    await result_on_socket(running, buyer, booking_id, status="confirmed")
    await until(lambda: mails_to(running, buyer))


def a_poison(topic: str, message: type[Message]) -> Fact:
    kind = message.DESCRIPTOR.full_name
    return Fact(id=new_id(), topic=topic, key=new_id(), type=kind, body=b"\xff\xff", time=datetime.now(UTC))


async def dlq(*words: str) -> list[dict[str, Any]]:
    """As somebody types it beside `make run`: nothing but LOCAL_PORT_OFFSET says where the stores are."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services", "dlq", *words, "--json"),
        env=os.environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]
