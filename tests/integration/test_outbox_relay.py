"""The outbox and its relay: what was committed leaves, once and in order, whatever is away meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from google.protobuf.message import Message
from sqlalchemy import MetaData, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from protos.gen import messages_pb2 as messages
from services.kit.bus.facts import Fact, Handle
from services.kit.bus.kafka import KafkaConsumer, KafkaPublisher
from services.kit.database.engine import open_engine, transaction
from services.kit.database.outbox import MAX_BODY, FactTooLarge, Outbox, Outgoing, outbox_table
from services.kit.database.relay import Relay
from services.kit.errors import DependencyDown
from services.kit.settings import KafkaSettings
from services.local.stores import Broker, create_schemas, create_topics
from tests import apache_kafka
from tests.conftest import PASSWORD, Stores, database_settings
from tests.ports import free_port
from tests.waiting import until

PATIENCE_S = 45
OWNER = "relay-test"
OUTBOX = outbox_table(MetaData())


class Wire:
    """A publisher that takes its time, and remembers; `away`: it takes nothing."""

    def __init__(self) -> None:
        self.sent: list[Fact] = []
        self.away = False

    async def publish(self, facts: Sequence[Fact]) -> None:
        await asyncio.sleep(0.01)
        if self.away:
            raise DependencyDown("kafka")
        self.sent += facts


@pytest.fixture
async def engine(stores: Stores) -> AsyncIterator[AsyncEngine]:
    await create_schemas(stores.postgres.admin_dsn, {OWNER: PASSWORD})
    engine = open_engine(database_settings(OWNER, stores))
    async with engine.begin() as tx:
        await tx.run_sync(OUTBOX.metadata.drop_all)
        await tx.run_sync(OUTBOX.metadata.create_all)
    yield engine
    await engine.dispose()


def outgoing(key: str, number: int) -> Outgoing:
    body: Message = messages.PaymentCancelled(payment_id=key, booking_id=str(number))
    return Outgoing(topic="payments", key=key, body=body)


async def add(engine: AsyncEngine, *facts: Outgoing) -> None:
    async with transaction(engine) as tx:
        await Outbox(OUTBOX, tx).add(facts)


async def left(engine: AsyncEngine) -> int:
    async with transaction(engine) as tx:
        return int(await tx.scalar(select(func.count()).select_from(OUTBOX)) or 0)


def numbers(facts: Sequence[Fact], key: str) -> list[int]:
    return [int(messages.PaymentCancelled.FromString(fact.body).booking_id) for fact in facts if fact.key == key]


@asynccontextmanager
async def working(*relays: Relay) -> AsyncIterator[Sequence[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_transaction_that_is_undone_says_nothing(engine: AsyncEngine) -> None:
    wire = Wire()

    async def add_then_fail() -> None:
        async with transaction(engine) as tx:
            await Outbox(OUTBOX, tx).add([outgoing("k", 1)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await add_then_fail()
    await add(engine, outgoing("k", 2))
    async with working(Relay(engine, OUTBOX, wire)):
        await until(lambda: len(wire.sent) > 0, within_s=PATIENCE_S)

    assert numbers(wire.sent, "k") == [2]


async def test_what_was_woken_for_leaves_at_once_and_is_forgotten(engine: AsyncEngine) -> None:
    wire = Wire()
    relay = Relay(engine, OUTBOX, wire)

    async with working(relay):
        await add(engine, *(outgoing("k", number) for number in range(1200)))
        relay.wake()
        await until(lambda: len(wire.sent) == 1200, within_s=PATIENCE_S)

        async def nothing_is_left() -> bool:
            return await left(engine) == 0

        await until(nothing_is_left, within_s=PATIENCE_S)

    assert numbers(wire.sent, "k") == list(range(1200))
    assert len({fact.id for fact in wire.sent}) == 1200


async def test_two_relays_neither_repeat_nor_overtake_each_other(engine: AsyncEngine, stores: Stores) -> None:
    wire, other_engine = Wire(), open_engine(database_settings(OWNER, stores))
    one, other = Relay(engine, OUTBOX, wire), Relay(other_engine, OUTBOX, wire)

    async with working(one, other):
        for number in range(60):
            await add(engine, *(outgoing(f"k{key}", number) for key in range(5)))
            one.wake()
            other.wake()
        await until(lambda: len(wire.sent) >= 300, within_s=PATIENCE_S)
    await other_engine.dispose()

    assert len(wire.sent) == 300
    for key in range(5):
        assert numbers(wire.sent, f"k{key}") == list(range(60))


async def test_a_bus_that_is_away_loses_nothing_and_order_holds(engine: AsyncEngine) -> None:
    wire = Wire()
    wire.away = True
    await add(engine, *(outgoing("k", number) for number in range(3)))

    async with working(Relay(engine, OUTBOX, wire)) as [task]:
        await asyncio.wait([task], timeout=0.3)
        assert wire.sent == []
        assert not task.done()
        await add(engine, outgoing("k", 3))
        wire.away = False
        await until(lambda: len(wire.sent) >= 4, within_s=PATIENCE_S)

    assert numbers(wire.sent, "k") == [0, 1, 2, 3]


async def test_a_relay_goes_on_when_its_broker_comes_at_last(engine: AsyncEngine, tmp_path: Path) -> None:
    port = free_port()
    seen: list[Fact] = []
    settings = KafkaSettings(kafka_brokers=f"127.0.0.1:{port}", kafka_join_groups=False)
    publisher = KafkaPublisher(settings, source="test")
    consumer = KafkaConsumer(settings, topics=["payments"], group="g", publisher=publisher)

    async def see(facts: Sequence[Fact]) -> None:
        seen.extend(facts)

    async with AsyncExitStack() as stack:
        stack.push_async_callback(publisher.close)
        await stack.enter_async_context(working(Relay(engine, OUTBOX, publisher)))
        await add(engine, *(outgoing("k", number) for number in range(5)))
        await stack.enter_async_context(Broker(tmp_path, port=port, topics=["payments", "payments.dead"]))
        await stack.enter_async_context(reading(consumer, see))
        await until(lambda: len(seen) >= 5, within_s=PATIENCE_S)

    assert numbers(seen, "k") == list(range(5))


async def test_a_fact_that_no_broker_takes_undoes_what_it_is_about(engine: AsyncEngine) -> None:
    huge = Outgoing(topic="payments", key="k", body=messages.PaymentCancelled(payment_id="p" * MAX_BODY))

    with pytest.raises(FactTooLarge):
        await add(engine, outgoing("k", 1), huge)

    assert await left(engine) == 0


if apache_kafka.missing() == "":  # the embedded broker forgets all when it dies

    async def test_a_broker_that_is_killed_again_and_again_loses_nothing_and_order_holds(
        engine: AsyncEngine, tmp_path: Path
    ) -> None:
        keys, each = [f"k{number}" for number in range(12)], 40
        seen: list[Fact] = []

        async def see(facts: Sequence[Fact]) -> None:
            seen.extend(facts)

        async with AsyncExitStack() as stack:
            kafka = apache_kafka.ApacheKafka(tmp_path, port=free_port(), controller_port=free_port())
            await stack.enter_async_context(kafka)
            await create_topics(kafka.address, ["payments", "payments.dead"])
            settings = KafkaSettings(kafka_brokers=kafka.address, kafka_join_groups=False)
            publisher = KafkaPublisher(settings, source="test")
            stack.push_async_callback(publisher.close)
            consumer = KafkaConsumer(settings, topics=["payments"], group="g", publisher=publisher)
            relay = Relay(engine, OUTBOX, publisher)
            await stack.enter_async_context(working(relay))
            await stack.enter_async_context(reading(consumer, see))
            for number in range(each):
                await add(engine, *(outgoing(key, number) for key in keys))
                relay.wake()
                if number in (8, 25):
                    # Killed with facts on their way, whatever became of them.
                    await kafka.kill()
                if number in (15, 30):
                    await kafka.start()
            await until(lambda: len({fact.id for fact in seen}) == each * len(keys), within_s=90)

        firsts = list({fact.id: fact for fact in seen}.values())
        for key in keys:
            assert numbers(firsts, key) == list(range(each))


@asynccontextmanager
async def reading(consumer: KafkaConsumer, see: Handle) -> AsyncIterator[None]:
    task = asyncio.create_task(consumer.run(see))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_relay_waits_for_a_database_that_is_away(stores: Stores) -> None:
    nowhere = database_settings(OWNER, stores).model_copy(update={"postgres_port": free_port()})
    engine = open_engine(nowhere)

    async with working(Relay(engine, OUTBOX, Wire())) as [task]:
        done, _ = await asyncio.wait([task], timeout=1)

        assert not done
    await engine.dispose()


async def test_a_relay_whose_session_is_cut_sends_on(engine: AsyncEngine, stores: Stores) -> None:
    wire = Wire()
    relay = Relay(engine, OUTBOX, wire)
    writer = open_engine(database_settings(OWNER, stores))

    async with working(relay):
        for number in range(5):
            await add(writer, outgoing("k", number))
            relay.wake()
            await until(lambda: number in numbers(wire.sent, "k"), within_s=PATIENCE_S)  # noqa: B023 - called within the turn
            await cut_sessions(stores)
            await writer.dispose()

    assert sorted(set(numbers(wire.sent, "k"))) == list(range(5))


async def cut_sessions(stores: Stores) -> None:
    """As a restart of the server would, for this test's sessions only."""
    admin = await asyncpg.connect(stores.postgres.admin_dsn)
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay_test'")
    await admin.close()
