"""The bus over Kafka (aiokafka)."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import ConsumerRecord, TopicPartition

from services.kit import metrics
from services.kit.bus import telling
from services.kit.bus.facts import Burial, Fact, Handle
from services.kit.bus.wire import Message, dead_letter, fact_of, message_of, reason_of
from services.kit.clock import utc_now
from services.kit.errors import DependencyDown, NotNow
from services.kit.settings import KafkaSettings

CALL_TIMEOUT_S: Final = 15
MAX_BATCH: Final = 500
TRIES: Final = 5
POLL_MS: Final = 500
# After a batch, so that the next one has more in it: a commit costs the same for one fact as for a hundred.
GATHER_S: Final = 0.03
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
_PARTITIONER: Final = DefaultPartitioner()
log = structlog.get_logger()


class KafkaPublisher:
    """Connects on first use; a producer that broke is made anew."""

    def __init__(self, settings: KafkaSettings, *, source: str) -> None:
        self._brokers, self._source = settings.kafka_brokers, source
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, facts: Sequence[Fact]) -> None:
        with telling.published(facts) as traced:
            await self.send([message_of(fact, source=self._source) for fact in traced])

    async def send(self, messages: Sequence[Message]) -> None:
        """As `publish`, for messages of whoever made them."""
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                producer = await self._started()
                by_partition = await _by_partition(producer, messages)
                sending = (_send_in_order(producer, *partition) for partition in by_partition.items())
                # All come to their end before one that failed is told of: what is still under way when everything is
                # sent anew could arrive after what follows it.
                for failure in await asyncio.gather(*sending, return_exceptions=True):
                    if failure is not None:
                        raise failure
        except (KafkaError, TimeoutError, OSError) as error:
            await self.close()
            raise DependencyDown("kafka") from error
        for message in messages:
            metrics.FACTS_PUBLISHED.labels(message.topic).inc()

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._brokers,
                acks="all",
                linger_ms=0,
                max_batch_size=256 * 1024,
                request_timeout_ms=10_000,
                retry_backoff_ms=200,
            )
            await start(producer)
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, TimeoutError, OSError):
                async with asyncio.timeout(5):
                    await producer.stop()


async def _by_partition(
    producer: AIOKafkaProducer, messages: Sequence[Message]
) -> dict[TopicPartition, deque[Message]]:
    """What goes where; Kafka's own rule, so that a key stays where other clients put it."""
    found: dict[TopicPartition, deque[Message]] = defaultdict(deque)
    for topic in {message.topic for message in messages}:
        partitions = sorted(await producer.partitions_for(topic))
        for message in messages:
            if message.topic == topic:
                partition = _PARTITIONER(message.key, partitions, partitions)
                found[TopicPartition(topic, partition)].append(message)
    return found


async def _send_in_order(producer: AIOKafkaProducer, where: TopicPartition, messages: deque[Message]) -> None:
    """One batch at a time: were there two, and the first one lost, the second one would overtake it."""
    while messages:
        batch = producer.create_batch()
        while messages and _append(batch, messages[0]):
            messages.popleft()
        batch.close()
        await (await producer.send_batch(batch, where.topic, partition=where.partition))


def _append(batch: BatchBuilder, message: Message) -> bool:
    """False: there is no more room. One that is alone always has room; whether it is too large the broker says."""
    added = batch.append(timestamp=None, key=message.key, value=message.body, headers=list(message.headers))
    return added is not None


class KafkaConsumer:
    """Reads some topics for a consumer group. Offsets are committed to the group after the effect.

    As a member, the group divides the partitions among replicas. Without joining it takes all of them.
    """

    def __init__(
        self, settings: KafkaSettings, *, topics: Sequence[str], group: str, publisher: KafkaPublisher
    ) -> None:
        self._brokers, self._topics, self._group = settings.kafka_brokers, topics, group
        self._join, self._publisher = settings.kafka_join_groups, publisher
        telling.expected(topics)

    async def run(self, handle: Handle) -> None:
        """See Consumer. Connects again, with growing pauses, for as long as the broker is away."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._consume(handle)
            except (KafkaError, NotNow, TimeoutError, OSError) as error:
                lasted_s = asyncio.get_running_loop().time() - began
                failures = 1 if lasted_s > 30 else failures + 1
                log.warning("consumer_waits", topics=self._topics, error=repr(error)[:300])
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])

    async def _consume(self, handle: Handle) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._brokers,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=MAX_BATCH,
            session_timeout_ms=15_000,
            heartbeat_interval_ms=5_000,
            metadata_max_age_ms=10_000,
        )
        # Held while a batch is worked: partitions change hands between batches only.
        working = asyncio.Lock()
        try:
            if self._join:
                consumer.subscribe(self._topics, listener=_Handover(working))
            await start(consumer)
            if not self._join:
                consumer.assign(await partitions_of(self._brokers, self._topics))
            while True:
                polled = await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_BATCH)
                await self._tell_behind(consumer)
                # Not around getmany: it waits, however long, until partitions have changed hands.
                async with working:
                    if records := [record for records in polled.values() for record in records]:
                        await self._handle_all(handle, records)
                        await consumer.commit()
                if records:
                    await asyncio.sleep(GATHER_S)
                else:
                    await _notice_lost_log(consumer)
        finally:
            with suppress(KafkaError, TimeoutError, OSError):
                async with asyncio.timeout(5):
                    await consumer.stop()

    async def _handle_all(self, handle: Handle, records: Sequence[ConsumerRecord]) -> None:
        facts = [fact_of(record) for record in records]
        try:
            with telling.handled(facts, group=self._group):
                await handle(facts)
        except NotNow:
            raise
        except Exception:  # noqa: BLE001 - found out below which fact it is, and logged there
            for record, fact in zip(records, facts, strict=True):
                await self._handle_one(handle, fact, record)
        else:
            for fact in facts:
                metrics.FACTS_CONSUMED.labels(fact.topic, "handled").inc()

    async def _tell_behind(self, consumer: AIOKafkaConsumer) -> None:
        behind = dict.fromkeys(self._topics, 0)
        for partition in consumer.assignment():
            end = consumer.highwater(partition)
            if end is not None:
                behind[partition.topic] += max(0, end - await consumer.position(partition))
        for topic, count in behind.items():
            metrics.FACTS_BEHIND.labels(topic).set(count)

    async def _handle_one(self, handle: Handle, fact: Fact, record: ConsumerRecord) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                await handle([fact])
            except NotNow:
                raise
            except Exception as error:  # noqa: BLE001 - a poisoned fact must not stop the others
                if attempt == TRIES:
                    await self._bury(fact, record, error)
                    return
                await asyncio.sleep(BACKOFF_S[attempt - 1] / 10)
            else:
                metrics.FACTS_CONSUMED.labels(fact.topic, "handled").inc()
                return

    async def _bury(self, fact: Fact, record: ConsumerRecord, error: Exception) -> None:
        log.error("fact_buried", topic=fact.topic, fact_id=fact.id, type=fact.type, exc_info=error)
        burial = Burial(
            reason=reason_of(error),
            group=self._group,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            tries=TRIES,
            at=utc_now(),
        )
        await self._publisher.send([dead_letter(record, burial)])
        metrics.FACTS_CONSUMED.labels(fact.topic, "buried").inc()


async def partitions_of(brokers: str, topics: Sequence[str]) -> list[TopicPartition]:
    """All of them; a consumer knows those of a topic only once it reads it. Raises KafkaError for one there is not."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers, request_timeout_ms=CALL_TIMEOUT_S * 1000)
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await admin.start()
            found = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    if missing := [topic["topic"] for topic in found if not topic["partitions"]]:
        raise KafkaError(f"no such topic: {', '.join(missing)}")
    return [TopicPartition(topic["topic"], part["partition"]) for topic in found for part in topic["partitions"]]


async def _notice_lost_log(consumer: AIOKafkaConsumer) -> None:
    """Raises when a partition ends before what was read of it: the broker came back without its log.

    Kafka itself says so (and the position starts anew); the embedded broker, all in memory, stays silent, and facts
    would be passed over until the new log has outgrown the old one.
    """
    for partition in consumer.assignment():
        end = consumer.highwater(partition)
        if end is not None and end < await consumer.position(partition):
            raise KafkaError(f"the log of {partition.topic} was lost")


class _Handover(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Lets the group have its partitions back when the batch at work is done and committed.

    Otherwise their next owner would begin with facts that are at work here, and overtake them.
    """

    def __init__(self, working: asyncio.Lock) -> None:
        self._working = working

    async def on_partitions_revoked(self, revoked: object) -> None:
        async with self._working:
            return

    async def on_partitions_assigned(self, assigned: object) -> None:
        return


async def start(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Start, in bounded time; what failed to start is stopped, for aiokafka leaves its connections open."""
    # Cancelled in the middle of connecting, aiokafka would forget that connection: it is let come to its end first.
    starting = asyncio.ensure_future(client.start())
    starting.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await asyncio.shield(starting)
    except BaseException:
        with suppress(KafkaError, TimeoutError, OSError):
            async with asyncio.timeout(2):
                await asyncio.wait([starting], timeout=1)
                starting.cancel()
                await client.stop()
        raise
