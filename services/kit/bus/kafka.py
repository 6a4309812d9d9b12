"""The bus over Kafka (aiokafka)."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition

from services.kit import metrics
from services.kit.bus.facts import Fact, Handle
from services.kit.errors import DependencyDown, NotNow
from services.kit.settings import KafkaSettings

CALL_TIMEOUT_S: Final = 15
MAX_BATCH: Final = 500
TRIES: Final = 5
POLL_MS: Final = 500
# After a batch, so that the next one has more in it: a commit costs the same for one fact as for a hundred.
GATHER_S: Final = 0.03
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
DEAD: Final = ".dead"
MAX_REASON: Final = 300
log = structlog.get_logger()


class KafkaPublisher:
    """Connects on first use; a producer that broke is made anew."""

    def __init__(self, settings: KafkaSettings, *, source: str) -> None:
        self._brokers, self._source = settings.kafka_brokers, source
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, facts: Sequence[Fact]) -> None:
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                producer = await self._started()
                sent = [await self._send(producer, fact) for fact in facts]
                await asyncio.gather(*sent)
        except (KafkaError, TimeoutError, OSError) as error:
            await self.close()
            raise DependencyDown("kafka") from error
        for fact in facts:
            metrics.FACTS_PUBLISHED.labels(fact.topic).inc()

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
            await _start(producer)
            self._producer = producer
        return self._producer

    async def _send(self, producer: AIOKafkaProducer, fact: Fact) -> asyncio.Future[object]:
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", fact.id.encode()),
            ("ce_source", f"/{self._source}".encode()),
            ("ce_type", fact.type.encode()),
            ("ce_time", fact.time.astimezone(UTC).isoformat().encode()),
            ("ce_subject", fact.key.encode()),
            ("content-type", b"application/protobuf"),
        ]
        if fact.traceparent:
            headers.append(("traceparent", fact.traceparent.encode()))
        if fact.reason:
            headers.append(("reason", fact.reason.encode(errors="replace")))
        sending: asyncio.Future[object] = await producer.send(
            fact.topic, fact.body, key=fact.key.encode(), headers=headers
        )
        return sending

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, TimeoutError, OSError):
                async with asyncio.timeout(5):
                    await producer.stop()


class KafkaConsumer:
    """Reads some topics for a consumer group. Offsets are committed to the group after the effect.

    As a member, the group divides the partitions among replicas. Without joining it takes all of them.
    """

    def __init__(
        self, settings: KafkaSettings, *, topics: Sequence[str], group: str, publisher: KafkaPublisher
    ) -> None:
        self._brokers, self._topics, self._group = settings.kafka_brokers, topics, group
        self._join, self._publisher = settings.kafka_join_groups, publisher

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
            await _start(consumer)
            if not self._join:
                consumer.assign(await self._all_partitions())
            while True:
                polled = await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_BATCH)
                # Not around getmany: it waits, however long, until partitions have changed hands.
                async with working:
                    if facts := [_fact(record) for records in polled.values() for record in records]:
                        await self._handle_all(handle, facts)
                        await consumer.commit()
                if facts:
                    await asyncio.sleep(GATHER_S)
                else:
                    await _notice_lost_log(consumer)
        finally:
            with suppress(KafkaError, TimeoutError, OSError):
                async with asyncio.timeout(5):
                    await consumer.stop()

    async def _all_partitions(self) -> list[TopicPartition]:
        # A consumer knows the partitions of a topic only once it reads it.
        admin = AIOKafkaAdminClient(bootstrap_servers=self._brokers, request_timeout_ms=CALL_TIMEOUT_S * 1000)
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await admin.start()
                topics = await admin.describe_topics(list(self._topics))
        finally:
            await admin.close()
        if missing := [topic["topic"] for topic in topics if not topic["partitions"]]:
            raise KafkaError(f"no such topic: {', '.join(missing)}")
        return [TopicPartition(topic["topic"], part["partition"]) for topic in topics for part in topic["partitions"]]

    async def _handle_all(self, handle: Handle, facts: Sequence[Fact]) -> None:
        try:
            await handle(facts)
        except NotNow:
            raise
        except Exception:  # noqa: BLE001 - found out below which fact it is, and logged there
            for fact in facts:
                await self._handle_one(handle, fact)
        for fact in facts:
            metrics.FACTS_CONSUMED.labels(fact.topic, "handled").inc()

    async def _handle_one(self, handle: Handle, fact: Fact) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                await handle([fact])
            except NotNow:
                raise
            except Exception as error:  # noqa: BLE001 - a poisoned fact must not stop the others
                if attempt == TRIES:
                    await self._bury(fact, error)
                    return
                await asyncio.sleep(BACKOFF_S[attempt - 1] / 10)
            else:
                return

    async def _bury(self, fact: Fact, error: Exception) -> None:
        log.error("fact_buried", topic=fact.topic, fact_id=fact.id, type=fact.type, exc_info=error)
        metrics.FACTS_CONSUMED.labels(fact.topic, "buried").inc()
        await self._publisher.publish([dead_letter(fact, error)])


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


def dead_letter(fact: Fact, error: Exception) -> Fact:
    """The fact as its topic's dead-letter topic keeps it."""
    return replace(fact, topic=fact.topic + DEAD, reason=repr(error)[:MAX_REASON])


async def _start(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
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


def _fact(record: ConsumerRecord) -> Fact:
    # Whatever else is written to our topics must not stop them: it is read as well as it can be, and buried.
    headers = {key: value.decode(errors="replace") for key, value in record.headers if value is not None}
    return Fact(
        # A message that is not ours still needs a name to be buried under.
        id=headers.get("ce_id") or f"{record.topic}/{record.partition}/{record.offset}",
        topic=record.topic,
        key=(record.key or b"").decode(errors="replace"),
        type=headers.get("ce_type", ""),
        body=record.value or b"",
        time=_time(headers.get("ce_time", ""), record),
        traceparent=headers.get("traceparent", ""),
        reason=headers.get("reason", ""),
    )


def _time(said: str, record: ConsumerRecord) -> datetime:
    """When it became true, as its publisher said; else when the broker got it."""
    try:
        return datetime.fromisoformat(said).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(record.timestamp / 1000, UTC)
