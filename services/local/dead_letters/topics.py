"""Dead-letter topics of Kafka. A letter that was sent back stays where it lies, and a mark beside it says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError

from protos.gen import messages_pb2
from services.kit.bus.kafka import KafkaPublisher, partitions_of, start
from services.kit.bus.wire import DEAD, Message, fact_of, revived
from services.kit.errors import DependencyDown
from services.kit.settings import KafkaSettings
from services.kit.topology import topology
from services.local.dead_letters.letters import DeadLetter, Found, NoSuchLetter

# The newest of a partition that are looked at.
NEWEST: Final = 5_000
READ_S: Final = 30.0
REPLAYED: Final = "replayed"


class DeadTopics:
    store = "Kafka (KAFKA_BROKERS)"

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._publisher = KafkaPublisher(settings, source="dlq")
        # What lay in a topic when this command first looked: to send back a thousand, it is read once.
        self._lay: dict[str, Sequence[ConsumerRecord]] = {}

    def holds(self, name: str) -> bool:
        return name.partition("/")[0].removesuffix(DEAD) in topology().topics

    async def letters(self, names: Sequence[str]) -> Found:
        records, left_out = await self._read([name.removesuffix(DEAD) + DEAD for name in names or topology().topics])
        marks = {mark: record for record in records if (mark := _mark(record))}
        found: dict[object, DeadLetter] = {}
        for record in sorted(records, key=lambda one: one.timestamp):
            if not _mark(record):
                letter = _letter(record, marks.get(_id(record)))
                # A consumer that died after it buried one has buried it again: that is one letter.
                found.setdefault(_origin(record), letter)
        return Found(list(found.values()), left_out)

    async def details(self, letter_id: str, *, body: bool) -> Mapping[str, object]:
        record, letter = await self._find(letter_id)
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        said = {"body": _body(letter.type, record.value or b"")} if body else {}
        return letter.row() | {"headers": headers} | said

    async def replay(self, letter_id: str) -> str:
        record, letter = await self._find(letter_id)
        if letter.replayed:
            raise NoSuchLetter(f"{letter_id} was sent back at {letter.replayed}")
        burial = fact_of(record).burial
        topic = burial.topic if burial and burial.topic else record.topic.removesuffix(DEAD)
        await self._publisher.send([revived(record, topic)])
        # Whoever dies here sends it back again: consumers know what they have handled.
        now = datetime.now(UTC).isoformat(timespec="seconds").encode()
        await self._publisher.send([Message(record.topic, record.key, now, [(REPLAYED, letter_id.encode())])])
        return topic

    async def close(self) -> None:
        await self._publisher.close()

    async def _find(self, letter_id: str) -> tuple[ConsumerRecord, DeadLetter]:
        topic = letter_id.partition("/")[0]
        if topic not in self._lay:
            self._lay[topic], _ = await self._read([topic])
        records = self._lay[topic]
        marks = {mark: record for record in records if (mark := _mark(record))}
        for record in records:
            if _id(record) == letter_id and not _mark(record):
                return record, _letter(record, marks.get(letter_id))
        raise NoSuchLetter(f"no dead letter {letter_id}: see `dlq list`")

    async def _read(self, topics: Sequence[str]) -> tuple[Sequence[ConsumerRecord], int]:
        """What lies in them now, and how much older there is."""
        try:
            async with asyncio.timeout(READ_S), self._consumer() as consumer:
                partitions = await partitions_of(self._settings.kafka_brokers, topics)
                consumer.assign(partitions)
                return await _read_to_the_end(consumer, partitions)
        except (KafkaError, TimeoutError, OSError) as error:
            raise DependencyDown("kafka") from error

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.kafka_brokers, enable_auto_commit=False)
        await start(consumer)
        try:
            yield consumer
        finally:
            with suppress(KafkaError, TimeoutError, OSError):
                async with asyncio.timeout(5):
                    await consumer.stop()


async def _read_to_the_end(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
) -> tuple[Sequence[ConsumerRecord], int]:
    begin, end = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    left_out = 0
    for partition in partitions:
        first = max(begin[partition], end[partition] - NEWEST)
        left_out += first - begin[partition]
        consumer.seek(partition, first)
    found: list[ConsumerRecord] = []
    while unread := [one for one in partitions if await consumer.position(one) < end[one]]:
        for records in (await consumer.getmany(*unread, timeout_ms=500)).values():
            found += records
    return found, left_out


def _id(record: ConsumerRecord) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def _mark(record: ConsumerRecord) -> str:
    """The letter that was sent back, if that is what this says."""
    return next((value.decode() for name, value in record.headers if name == REPLAYED and value), "")


def _origin(record: ConsumerRecord) -> object:
    burial = fact_of(record).burial
    if burial is None or burial.offset < 0:
        return _id(record)
    return burial.group, burial.topic, burial.partition, burial.offset


def _letter(record: ConsumerRecord, mark: ConsumerRecord | None) -> DeadLetter:
    fact = fact_of(record)
    burial = fact.burial
    return DeadLetter(
        id=_id(record),
        key=fact.key,
        type=fact.type,
        reason=burial.reason if burial else "",
        at=burial.at if burial else fact.time,
        tries=burial.tries if burial else 0,
        by=burial.group if burial else "",
        replayed=(mark.value or b"").decode(errors="replace") if mark else "",
    )


def _body(type_name: str, body: bytes) -> Any:
    """As JSON where it is a message of ours, else in hexadecimal digits."""
    message = getattr(messages_pb2, type_name.removeprefix("messages."), None)
    try:
        return MessageToDict(message.FromString(body), preserving_proto_field_name=True) if message else body.hex()
    except DecodeError:
        return body.hex()
