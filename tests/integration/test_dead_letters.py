"""`python -m services dlq` against the real broker and a real Valkey, as an operator types it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from protos import queue
from protos.gen import booking_pb2
from protos.gen import messages_pb2 as messages
from services.kit.bus.facts import Fact
from services.kit.bus.kafka import TRIES, KafkaConsumer, KafkaPublisher
from services.kit.ids import new_id
from services.kit.settings import KafkaSettings
from services.local.dead_letters.topics import DeadTopics
from tests.a_sale import Sale, a_sale
from tests.conftest import Stores
from tests.ports import free_port
from tests.waiting import until

PATIENCE_S = 40


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Choosy:
    """A consumer that chokes on some keys until it is healed."""

    chokes_on: set[str]
    handled: list[Fact] = field(default_factory=list)

    async def handle(self, facts: Sequence[Fact]) -> None:
        if any(fact.key in self.chokes_on for fact in facts):
            raise ValueError("no such payment")
        self.handled += facts

    def has(self, *facts: Fact) -> bool:
        return {fact.id for fact in facts} <= {fact.id for fact in self.handled}


@dataclass(frozen=True)
class Bus:
    settings: KafkaSettings
    publisher: KafkaPublisher

    @asynccontextmanager
    async def read_by(self, choosy: Choosy) -> AsyncIterator[None]:
        consumer = KafkaConsumer(self.settings, topics=["payments"], group=f"dlq-{new_id()}", publisher=self.publisher)
        task = asyncio.create_task(consumer.run(choosy.handle))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def bus(stores: Stores) -> AsyncIterator[Bus]:
    settings = KafkaSettings(kafka_brokers=stores.broker.address, kafka_join_groups=False)
    publisher = KafkaPublisher(settings, source="test")
    yield Bus(settings, publisher)
    await publisher.close()


@pytest.fixture
async def sale(stores: Stores) -> AsyncIterator[Sale]:
    async with a_sale(stores) as sale:
        yield sale


async def dlq(stores: Stores, *words: str, **environment: str) -> Answer:
    where = stores.settings()
    told = {
        "KAFKA_BROKERS": stores.broker.address,
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(where["redis_port"]),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services", "dlq", *words),
        env=os.environ | told | environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Answer(process.returncode or 0, out.decode(), err.decode())


def a_fact(key: str) -> Fact:
    body = messages.PaymentCancelled(payment_id=key, booking_id="b").SerializeToString()
    kind = messages.PaymentCancelled.DESCRIPTOR.full_name
    return Fact(id=new_id(), topic="payments", key=key, type=kind, body=body, time=datetime.now(UTC))


async def test_what_a_consumer_choked_on_is_listed_shown_and_sent_back_once(stores: Stores, bus: Bus) -> None:
    bad, good, choosy = a_fact(new_id()), a_fact(new_id()), Choosy(set())
    choosy.chokes_on.add(bad.key)

    async with bus.read_by(choosy):
        await bus.publisher.publish([bad, good])
        await buried(bus, bad.key)
        [letter] = [row for row in (await dlq(stores, "list", "payments", "--json")).rows if row["key"] == bad.key]
        shown = await dlq(stores, "show", letter["id"], "--body", "--json")
        choosy.chokes_on.clear()
        back = await dlq(stores, "replay", letter["id"])
        await until(lambda: choosy.has(bad, good), within_s=PATIENCE_S)
        again = await dlq(stores, "replay", letter["id"])

    assert (letter["type"], letter["tries"]) == (bad.type, TRIES)
    assert "no such payment" in letter["reason"]
    assert shown.rows[0]["body"] == {"payment_id": bad.key, "booking_id": "b"}
    assert (back.code, back.err) == (0, "")
    assert [fact for fact in choosy.handled if fact.key == bad.key] == [bad]
    assert again.code == 1
    assert "was sent back at" in again.err
    assert bad.key not in (await dlq(stores, "list", "payments")).out
    assert bad.key in (await dlq(stores, "list", "payments.dead", "--replayed")).out


async def buried(bus: Bus, *keys: str) -> None:
    """Once all of them are."""
    graveyard = DeadTopics(bus.settings)

    async def all_lie_there() -> bool:
        return {letter.key for letter in (await graveyard.letters(["payments"])).letters} >= set(keys)

    await until(all_lie_there, within_s=PATIENCE_S)


async def test_all_of_a_topic_are_sent_back_within_the_limit(stores: Stores, bus: Bus) -> None:
    facts = [a_fact(new_id()) for _ in range(3)]
    choosy = Choosy({fact.key for fact in facts})

    async with bus.read_by(choosy):
        await bus.publisher.publish(facts)
        await buried(bus, *choosy.chokes_on)
        choosy.chokes_on.clear()
        two = await dlq(stores, "replay", "--all", "payments", "--limit", "2", "--json")
        rest = await dlq(stores, "replay", "--all", "payments", "--json")
        await until(lambda: choosy.has(*facts), within_s=PATIENCE_S)

    assert (two.code, len(two.rows)) == (1, 2)
    assert "more are left (--limit)" in two.err
    assert rest.code == 0
    assert {row["to"] for row in [*two.rows, *rest.rows]} == {"payments"}


async def test_an_order_whose_buyer_was_told_no_is_sent_back_only_by_name(stores: Stores, sale: Sale) -> None:
    event_id = new_id()
    [booking_id] = await sale.order(event_id)
    sale.booking.later[booking_id] = 2
    await sale.open_booking()

    async with sale.worker(max_tries=2):
        await sale.until_empty(event_id)
        listed = await dlq(stores, "list", "booking-queue", "--json")
        not_named = await dlq(stores, "replay", "--all", f"booking-queue:{event_id}")
        [letter] = listed.rows
        named = await dlq(stores, "replay", letter["id"], "--json")
        await until(lambda: len(sale.realtime.told(booking_id)) == 2)
        await sale.until_empty(event_id)

    assert (letter["key"], letter["reason"], letter["tries"]) == (booking_id, "not-decided:dependency-down", 2)
    assert (not_named.code, not_named.out) == (1, "")
    assert "buyer was told REJECTED" in not_named.err
    assert named.rows == [{"id": letter["id"], "to": queue.stream(event_id)}]
    assert sale.realtime.told(booking_id)[-1].booking.status == booking_pb2.CONFIRMED
    assert await sale.redis.hget(queue.record(booking_id), queue.RECORD_STATUS) is None
    assert await sale.redis.hget(queue.record(booking_id), queue.RECORD_NUMBER) == b"2"
    assert int(await sale.redis.get(queue.served(event_id))) == 2
    assert await sale.redis.smembers(queue.DEAD_EVENTS) == set()


async def test_what_is_still_poisoned_dies_again(stores: Stores, sale: Sale) -> None:
    event_id = new_id()
    await sale.redis.xadd(queue.stream(event_id), {queue.ORDER: b"\xff\xff", queue.NUMBER: 1})
    await sale.redis.sadd(queue.EVENTS, event_id)
    await sale.open_booking()

    async with sale.worker():
        await sale.until_empty(event_id)
        [first] = (await dlq(stores, "list", f"booking-queue:{event_id}", "--json")).rows
        await dlq(stores, "replay", "--all", f"booking-queue:{event_id}")

        async def died_again() -> bool:
            reasons = await sale.dead_letters(event_id)
            return reasons == [b"unreadable-order"] and await sale.empty(event_id)

        await until(died_again)
        [second] = (await dlq(stores, "list", f"booking-queue-dead:{event_id}", "--json")).rows

    assert second["id"] != first["id"]


async def test_names_that_are_none_and_stores_that_are_away_are_said(stores: Stores, sale: Sale) -> None:
    nowhere = str(free_port())

    unknown = [
        await dlq(stores, *words)
        for words in (
            ("show", "payments.dead/0/999999"),
            ("replay", "booking-queue-dead:e/17-0"),
            ("replay", "--all", "elsewhere"),
        )
    ]
    one_away = await dlq(stores, "list", REDIS_PORT=nowhere)
    both_away = await dlq(stores, "replay", "--all", "payments", KAFKA_BROKERS=f"127.0.0.1:{nowhere}")
    nothing = await dlq(stores, "replay")

    assert [answer.code for answer in unknown] == [1, 1, 1]
    assert "no dead letter payments.dead/0/999999" in unknown[0].err
    assert "no dead letter booking-queue-dead:e/17-0" in unknown[1].err
    assert "elsewhere: neither a topic" in unknown[2].err
    assert one_away.code == 1
    assert "REDIS_HOST" in one_away.err
    assert "KAFKA_BROKERS" in both_away.err
    assert nothing.code == 2
