"""What the bus promises (services/kit/bus/facts.py), held to by the twin, the embedded broker and Apache Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from services.kit.bus.facts import Consumer, Fact, Handle
from services.kit.bus.kafka import TRIES
from services.kit.bus.wire import DEAD, fact_of
from services.kit.errors import DependencyDown, NotNow
from services.kit.ids import new_id
from services.local.stores import Broker
from tests.apache_kafka import ApacheKafka
from tests.buses import BROKERS, EMBEDDED, KAFKA, KAFKA_GROUPS, BrokerBus, Bus, TwinBus, connected
from tests.conftest import Stores
from tests.ports import free_port
from tests.waiting import until

# A broker that lets a group wait, on a machine that does other things as well.
PATIENCE_S = 60
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def apache_kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApacheKafka]:
    home = tmp_path_factory.mktemp("kafka")
    async with ApacheKafka(home, port=free_port(), controller_port=free_port()) as kafka:
        yield kafka


@pytest.fixture(params=["twin", *BROKERS])
def broker_address(request: pytest.FixtureRequest) -> tuple[str, bool]:
    """Asked for here, outside any event loop, where brokers can be started. Empty: the twin."""
    return _address(request)


def _address(request: pytest.FixtureRequest) -> tuple[str, bool]:
    match request.param:
        case "twin":
            return "", False
        case name if name == EMBEDDED:
            stores: Stores = request.getfixturevalue("stores")
            return stores.broker.address, False
        case name:
            kafka: ApacheKafka = request.getfixturevalue("apache_kafka")
            return kafka.address, name == KAFKA_GROUPS


@pytest.fixture
async def bus(broker_address: tuple[str, bool]) -> AsyncIterator[Bus]:
    address, join_groups = broker_address
    if not address:
        yield TwinBus()
        return
    async for bus in connected(address, join_groups=join_groups):
        yield bus


@pytest.fixture
async def topic(bus: Bus) -> str:
    name = f"test-{new_id()}"
    await bus.open(name)
    return name


def a_fact(topic: str, key: str = "k", **changed: object) -> Fact:
    fields = {
        "id": new_id(),
        "topic": topic,
        "key": key,
        "type": "messages.UserRegistered",
        "body": b"body",
        "time": datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    }
    return Fact(**(fields | changed))


class Reader:
    """Keeps what it is given; `meets` may raise, or wait, before it does."""

    def __init__(self) -> None:
        self.seen: list[Fact] = []
        self.batches: list[Sequence[Fact]] = []
        self.meets: Callable[[Sequence[Fact]], None] = lambda facts: None

    async def handle(self, facts: Sequence[Fact]) -> None:
        self.batches.append(facts)
        self.meets(facts)
        self.seen += facts

    @property
    def ids(self) -> list[str]:
        return [fact.id for fact in self.seen]


@asynccontextmanager
async def reading(consumer: Consumer, handle: Handle) -> AsyncIterator[None]:
    task = asyncio.create_task(consumer.run(handle))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_fact_arrives_as_it_was_published(bus: Bus, topic: str) -> None:
    fact, reader = a_fact(topic, key="ключ", body=b"\x00\xff", traceparent=TRACE), Reader()

    async with reading(bus.consumer(topic, group="g"), reader.handle):
        await bus.publisher.publish([fact])
        await until(lambda: len(reader.seen) == 1, within_s=PATIENCE_S)

    assert reader.seen == [fact]


async def test_facts_of_one_key_arrive_in_their_order(bus: Bus, topic: str) -> None:
    facts = [a_fact(topic, key=f"k{number % 7}") for number in range(700)]
    reader = Reader()

    async with reading(bus.consumer(topic, group="g"), reader.handle):
        for start in range(0, 700, 100):
            await bus.publisher.publish(facts[start : start + 100])
        await until(lambda: len(reader.seen) >= 700, within_s=PATIENCE_S)

    for key in {fact.key for fact in facts}:
        arrived = [fact.id for fact in reader.seen if fact.key == key]
        assert arrived == [fact.id for fact in facts if fact.key == key]


async def test_what_was_published_before_the_first_reader_came_is_read(bus: Bus, topic: str) -> None:
    facts = [a_fact(topic, key=str(number)) for number in range(20)]
    await bus.publisher.publish(facts)
    reader = Reader()

    async with reading(bus.consumer(topic, group="g"), reader.handle):
        await until(lambda: len(reader.seen) == 20, within_s=PATIENCE_S)

    assert sorted(reader.ids) == sorted(fact.id for fact in facts)


async def test_each_group_reads_everything(bus: Bus, topic: str) -> None:
    one, other = Reader(), Reader()

    async with (
        reading(bus.consumer(topic, group="one"), one.handle),
        reading(bus.consumer(topic, group="other"), other.handle),
    ):
        await bus.publisher.publish([a_fact(topic, key=str(number)) for number in range(10)])
        await until(lambda: len(one.seen) == len(other.seen) == 10, within_s=PATIENCE_S)


async def test_a_reader_of_two_topics_reads_both(bus: Bus, topic: str) -> None:
    second, reader = f"test-{new_id()}", Reader()
    await bus.open(second)

    async with reading(bus.consumer(topic, second, group="g"), reader.handle):
        await bus.publisher.publish([a_fact(topic), a_fact(second)])
        await until(lambda: {fact.topic for fact in reader.seen} == {topic, second}, within_s=PATIENCE_S)


async def test_a_reader_that_died_over_a_fact_leaves_it_to_the_next_and_nothing_before_it(bus: Bus, topic: str) -> None:
    done, lost = a_fact(topic), a_fact(topic)
    first, second = Reader(), Reader()
    reached = asyncio.Event()

    async def dies_over_the_second(facts: Sequence[Fact]) -> None:
        await first.handle(facts)
        if lost.id in first.ids:
            reached.set()
            await asyncio.Event().wait()

    async with reading(bus.consumer(topic, group="g"), dies_over_the_second):
        await bus.publisher.publish([done])
        await until(lambda: done.id in first.ids, within_s=PATIENCE_S)
        await bus.publisher.publish([lost])
        await asyncio.wait_for(reached.wait(), PATIENCE_S)
    async with reading(bus.consumer(topic, group="g"), second.handle):
        await until(lambda: len(second.seen) > 0, within_s=PATIENCE_S)

    assert second.ids == [lost.id]


async def test_not_now_brings_the_same_facts_again_in_their_order(bus: Bus, topic: str) -> None:
    facts, reader = [a_fact(topic) for _ in range(5)], Reader()
    answers = [NotNow("the store is away"), NotNow("the store is away")]

    def not_yet(_: Sequence[Fact]) -> None:
        if answers:
            raise answers.pop()

    reader.meets = not_yet
    await bus.publisher.publish(facts)

    async with reading(bus.consumer(topic, group="g"), reader.handle):
        await until(lambda: len(reader.seen) == 5, within_s=PATIENCE_S)

    assert reader.ids == [fact.id for fact in facts]
    assert [len(batch) for batch in reader.batches] == [5, 5, 5]


async def test_a_poisoned_fact_is_buried_with_its_reason_and_the_others_go_on(bus: Bus, topic: str) -> None:
    facts = [a_fact(topic, traceparent=TRACE) for _ in range(5)]
    poison = facts[2]
    reader, graveyard = Reader(), Reader()

    def chokes(batch: Sequence[Fact]) -> None:
        if poison in batch:
            raise ValueError("no such thing")

    reader.meets = chokes
    await bus.publisher.publish(facts)

    async with (
        reading(bus.consumer(topic, group="g"), reader.handle),
        reading(bus.consumer(topic + DEAD, group="g"), graveyard.handle),
    ):
        await until(lambda: len(reader.seen) == 4 and len(graveyard.seen) == 1, within_s=PATIENCE_S)
        await bus.publisher.publish([after := a_fact(topic)])
        await until(lambda: after.id in reader.ids, within_s=PATIENCE_S)

    assert reader.ids == [fact.id for fact in [*facts, after] if fact is not poison]
    [dead] = graveyard.seen
    assert dead == replace(poison, topic=topic + DEAD, burial=dead.burial)
    burial = dead.burial
    assert burial is not None
    assert "no such thing" in burial.reason
    assert (burial.group, burial.topic, burial.tries) == ("g", topic, TRIES)
    # All of one key: the poisoned one lies where its place among them says.
    assert (burial.partition >= 0, burial.offset) == (True, 2)


async def test_a_store_that_goes_away_while_a_poisoned_fact_is_sought_buries_nothing_else(bus: Bus, topic: str) -> None:
    poison, good = a_fact(topic), a_fact(topic)
    reader, graveyard = Reader(), Reader()
    away = [NotNow("the store is away")]

    def chokes(batch: Sequence[Fact]) -> None:
        if poison in batch:
            raise ValueError("no such thing")
        if away:
            raise away.pop()

    reader.meets = chokes
    await bus.publisher.publish([poison, good])

    async with (
        reading(bus.consumer(topic, group="g"), reader.handle),
        reading(bus.consumer(topic + DEAD, group="g"), graveyard.handle),
    ):
        await until(lambda: good.id in reader.ids, within_s=PATIENCE_S)

    assert set(graveyard.ids) <= {poison.id}


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> tuple[str, bool]:
    """As above, without the twin: it has nothing that could be away."""
    return _address(request)


async def test_a_broker_that_is_not_there_is_not_now(broker: tuple[str, bool]) -> None:
    nobody = BrokerBus(f"127.0.0.1:{free_port()}", broker[1])

    with pytest.raises(DependencyDown):
        await nobody.publisher.publish([a_fact("users")])
    await nobody.close()


async def test_a_message_that_is_no_fact_of_ours_stops_nobody(broker: tuple[str, bool]) -> None:
    address, join_groups = broker
    topic, reader = f"test-{new_id()}", Reader()
    async for bus in connected(address, join_groups=join_groups):
        await bus.open(topic)
        producer = AIOKafkaProducer(bootstrap_servers=address)
        await producer.start()
        headers = [("ce_id", b"\xff\xfe"), ("ce_time", b"yesterday"), ("x", None)]
        await producer.send_and_wait(topic, None, key=b"\xff", headers=headers)
        await producer.send_and_wait(topic, b"bare")
        await producer.stop()
        await bus.publisher.publish([ours := a_fact(topic)])

        async with reading(bus.consumer(topic, group="g"), reader.handle):
            await until(lambda: len(reader.seen) == 3, within_s=PATIENCE_S)

        assert ours in reader.seen


async def test_a_message_that_is_no_fact_of_ours_is_buried_as_it_came(broker: tuple[str, bool]) -> None:
    address, join_groups = broker
    topic = f"test-{new_id()}"
    headers = [("x-whose", b"somebody's"), ("empty", None), ("ce_id", b"\xff\xfe")]

    async def chokes(_: Sequence[Fact]) -> None:
        raise ValueError("what is this?")

    async for bus in connected(address, join_groups=join_groups):
        await bus.open(topic)
        producer = AIOKafkaProducer(bootstrap_servers=address)
        await producer.start()
        sent = await producer.send_and_wait(topic, None, key=b"\xff", headers=headers)
        await producer.stop()
        async with reading(bus.consumer(topic, group="g"), chokes):
            [dead] = await records(address, topic + DEAD, 1)

    assert (dead.key, dead.value or None) == (b"\xff", None)
    assert [header for header in dead.headers if not header[0].startswith("dead-")] == headers
    burial = fact_of(dead).burial
    assert burial is not None
    assert (burial.topic, burial.partition, burial.offset) == (topic, sent.partition, sent.offset)


async def records(address: str, topic: str, count: int) -> list[ConsumerRecord]:
    """The first that lie in a topic, as the broker has them."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=address, auto_offset_reset="earliest")
    await consumer.start()
    found: list[ConsumerRecord] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while len(found) < count:
                found.append(await consumer.getone())
    finally:
        await consumer.stop()
    return found


@dataclass(frozen=True)
class OwnBroker:
    broker: Broker | ApacheKafka
    bus: Bus
    topic: str


@pytest.fixture(params=[name for name in BROKERS if name != KAFKA])
async def own(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OwnBroker]:
    """A broker of this test alone, which may kill it."""
    topic = f"test-{new_id()}"
    if request.param == EMBEDDED:
        broker: Broker | ApacheKafka = Broker(tmp_path, port=free_port(), topics=[topic, topic + DEAD])
    else:
        broker = ApacheKafka(tmp_path, port=free_port(), controller_port=free_port())
    async with broker:
        async for bus in connected(broker.address, join_groups=request.param == KAFKA_GROUPS):
            await bus.open(topic)
            yield OwnBroker(broker, bus, topic)


async def test_readers_and_writers_go_on_when_their_broker_comes_back(own: OwnBroker) -> None:
    # Several: the embedded broker forgets all, and a reader notices by having read further than there is.
    before, after, reader = [a_fact(own.topic) for _ in range(5)], a_fact(own.topic), Reader()

    async with reading(own.bus.consumer(own.topic, group="g"), reader.handle):
        await own.bus.publisher.publish(before)
        await until(lambda: len(reader.seen) == len(before), within_s=PATIENCE_S)
        await own.broker.kill()
        with pytest.raises(DependencyDown):
            await own.bus.publisher.publish([after])
        await own.broker.start()
        await published(own.bus, after)
        await until(lambda: after.id in reader.ids, within_s=PATIENCE_S)


async def published(bus: Bus, fact: Fact) -> None:
    """Once the broker takes it."""

    async def taken() -> bool:
        try:
            await bus.publisher.publish([fact])
        except NotNow:
            return False
        return True

    await until(taken, within_s=PATIENCE_S)


if KAFKA_GROUPS in BROKERS:  # the one bus whose groups have several members

    @pytest.fixture(params=[KAFKA_GROUPS])
    def grouping(request: pytest.FixtureRequest) -> tuple[str, bool]:
        return _address(request)

    async def test_members_of_a_group_share_the_work_and_never_work_at_one_key_together(
        grouping: tuple[str, bool],
    ) -> None:
        topic, team = f"test-{new_id()}", Team()
        keys = [f"k{number}" for number in range(16)]
        facts: list[Fact] = []

        async def publish_some(bus: Bus) -> None:
            some = [a_fact(topic, key=key) for key in keys]
            facts.extend(some)
            await bus.publisher.publish(some)

        async for bus in connected(grouping[0], join_groups=True):
            await bus.open(topic)
            async with reading(bus.consumer(topic, group="g"), team.member("first")):
                await publish_some(bus)
                await until(lambda: "first" in team.worked, within_s=PATIENCE_S)
                async with reading(bus.consumer(topic, group="g"), team.member("second")), asyncio.timeout(PATIENCE_S):
                    # So that facts are at work while partitions change hands.
                    while "second" not in team.worked:
                        await publish_some(bus)
                        await asyncio.sleep(0.05)
                await publish_some(bus)
                await until(lambda: len(team.done) >= len(facts), within_s=PATIENCE_S)

        assert team.met == set()
        for key in keys:
            done = [fact.id for fact in team.done.values() if fact.key == key]
            assert done == [fact.id for fact in facts if fact.key == key]


class Team:
    """Members of one group, and the keys over which two of them met."""

    def __init__(self) -> None:
        # By id, in the order they were first done: who leaves within its work leaves some to be done again.
        self.done: dict[str, Fact] = {}
        self.worked: set[str] = set()
        self.met: set[str] = set()
        self._at_work: set[str] = set()

    def member(self, name: str) -> Handle:
        async def handle(facts: Sequence[Fact]) -> None:
            mine = {fact.key for fact in facts}
            self.met |= mine & self._at_work
            self._at_work |= mine
            try:
                await asyncio.sleep(0.2)  # the work: longer than handing over takes
            finally:
                self._at_work -= mine
            self.done |= {fact.id: fact for fact in facts}
            self.worked.add(name)

        return handle
