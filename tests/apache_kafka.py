"""A real Apache Kafka: fetched once from Maven Central, run as a child on a free port. Needs Java."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Final
from uuid import uuid4

from aiokafka.errors import KafkaError

from services.local.launch import Launch
from services.local.stores import create_topics
from services.local.stores.port import StoreFailed, port_answers
from services.local.stores.server import Managed, Plan, Server

VERSION: Final = "4.1.0"
HOME: Final = Path(__file__).parents[1] / "build" / "kafka"
LIBRARIES: Final = HOME / f"libs-{VERSION}"
FETCH_S: Final = 300
FORMAT_S: Final = 30
HEAP: Final = "-Xmx320m"
POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
  </dependencies>
</project>
"""


def missing() -> str:
    """What this machine lacks to run it; empty: nothing."""
    if shutil.which("java") is None:
        return "java"
    return "" if LIBRARIES.exists() or shutil.which("mvn") else "mvn"


class ApacheKafka(Managed):
    """One node, broker and controller in one. What it was given survives its restart."""

    def __init__(self, home: Path, *, port: int, controller_port: int) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._home, self._port = home, port
        self._properties = home / "server.properties"
        self._properties.write_text(_properties(home, port, controller_port))
        plan = Plan(
            name="kafka",
            port=port,
            variable="KAFKA_BROKERS",
            log=home / "kafka.log",
            launch=Launch(command=_java("kafka.Kafka", str(self._properties)), env=_environment(), folder=home),
        )
        self._server = Server(plan, self._answers)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    async def start(self) -> None:
        await fetch()
        if not (self._home / "logs" / "meta.properties").exists():
            formatting = ("format", "--cluster-id", uuid4().hex[:22], "--config", str(self._properties))
            await _run(*_java("kafka.tools.StorageTool", *formatting), limit_s=FORMAT_S)
        await super().start()

    async def _answers(self) -> bool:
        if not await port_answers(self._port):
            return False
        try:
            await create_topics(self.address, ["ready"], partitions=1)
        except (KafkaError, StoreFailed, OSError):
            return False
        return True


async def fetch() -> None:
    """The jars, 43 MB; nothing is left behind when it fails."""
    if LIBRARIES.exists():
        return
    HOME.mkdir(parents=True, exist_ok=True)
    (HOME / "pom.xml").write_text(POM)
    draft = HOME / f"fetching-{uuid4().hex}"
    goal = ("dependency:copy-dependencies", f"-DoutputDirectory={draft}", "-DincludeScope=runtime")
    try:
        await _run("mvn", "-q", "-B", "-f", str(HOME / "pom.xml"), *goal, limit_s=FETCH_S)
        if not LIBRARIES.exists():
            draft.rename(LIBRARIES)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


async def _run(*command: str, limit_s: float) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdout=pipe, stderr=asyncio.subprocess.STDOUT, env=_environment()
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), limit_s)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise StoreFailed(f"{command[0]} failed: {said[-2000:].decode(errors='replace')}")


def _java(main: str, *arguments: str) -> list[str]:
    return ["java", HEAP, "-XX:+UseSerialGC", "-cp", f"{LIBRARIES}/*", main, *arguments]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("JAVA_TOOL_OPTIONS", "CLASSPATH")}


def _properties(home: Path, port: int, controller_port: int) -> str:
    lines = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": home / "logs",
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())
