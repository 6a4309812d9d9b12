"""Topics of the table: `python -m services.kit.bus.topics <service>` makes those that this service writes."""

import asyncio
import sys
from collections.abc import Sequence
from functools import partial
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from pydantic import Field

from services.kit.bus.wire import DEAD
from services.kit.patience import GaveUp, patiently
from services.kit.settings import KafkaSettings
from services.kit.topology import topology

PARTITIONS: Final = 8
ADMIN_MS: Final = 10_000


class TopicSettings(KafkaSettings):
    # Of topics that are made; those that exist are left as they are.
    topic_partitions: int = Field(default=PARTITIONS, ge=1, le=1000)
    topic_replication: int = Field(default=1, ge=1, le=9)


def topics_of(service: str) -> list[str]:
    """What a service writes, with the dead-letter topics of their readers."""
    ours = (topic for topic, producer in topology().topics.items() if producer == service)
    return [name + end for name in ours for end in ("", DEAD)]


async def create_topics(
    brokers: str, topics: Sequence[str], *, partitions: int = PARTITIONS, replication: int = 1
) -> None:
    """May be called twice: a topic that exists is left as it is. Raises KafkaError."""
    if not topics:
        return
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers, request_timeout_ms=ADMIN_MS)
    try:
        await admin.start()
        wanted = [NewTopic(name, partitions, replication_factor=replication) for name in topics]
        reply = await admin.create_topics(wanted, timeout_ms=ADMIN_MS)
    finally:
        await admin.close()
    for name, code, *_ in reply.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise KafkaError(f"topic {name} was not created: {for_code(code).__name__}")


async def prepare(settings: TopicSettings, topics: Sequence[str]) -> None:
    """Make the topics; brokers that are not there yet are waited for, within reason."""
    make = partial(
        create_topics,
        settings.kafka_brokers,
        topics,
        partitions=settings.topic_partitions,
        replication=settings.topic_replication,
    )
    await patiently(make, not_yet=(KafkaError, OSError, TimeoutError))


def main() -> None:
    for name in sys.argv[1:]:
        topics = topics_of(name)
        try:
            asyncio.run(prepare(TopicSettings(), topics))
        except GaveUp as late:
            sys.exit(f"{name}: {late}")
        sys.stdout.write(f"{name}: topics are there: {', '.join(topics) or 'none'}\n")


if __name__ == "__main__":
    main()
