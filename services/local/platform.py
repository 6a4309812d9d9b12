"""The whole platform on one machine: stores, schemas, ten services, a mailbox."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from services.kit.database.migrate import migrate
from services.kit.settings import PostgresSettings
from services.kit.topology import Service, topology
from services.local.chosen_stores import open_stores
from services.local.environment import HOST, Route, Secrets, Stores, direct, service_environment
from services.local.identities import Identities
from services.local.identities import wanted as identities_wanted
from services.local.ports import mailbox_port, prometheus_port, service_port, service_ports
from services.local.prometheus import prometheus, prometheus_url, prometheus_wanted
from services.local.stores import Store, StoreFailed
from services.local.supervisor import Program, Supervisor

READY_S: Final = 180.0
PROBE_S: Final = 2.0
# Mails may come a little later; buyers who wait for their result may not.
NICE: Final = {"email-worker": 19, "mailbox": 19}


class NotReady(RuntimeError):
    """The platform did not come up; the message says which service, and its log says why."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform that runs. Everything in it ends with the block that started it."""

    supervisor: Supervisor
    stores: Stores
    secrets: Secrets
    # The stores that were started here, by name.
    embedded: Mapping[str, Store]

    def url(self, service: str, *, scheme: str = "http") -> str:
        return f"{scheme}://localhost:{service_port(service, 'http')}"

    @property
    def mailbox_url(self) -> str:
        return f"http://localhost:{mailbox_port('http')}"


@asynccontextmanager
async def platform(
    show: Callable[[str, str], None], say: Callable[[str], None], *, route: Route = direct
) -> AsyncIterator[Platform]:
    """Start everything and wait until every service is ready. `say` gets a line for each stage."""
    services = topology().python_services
    refuse_taken_ports(services)
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ticketing-")))
        stores, embedded = await open_stores(stack, home, route)
        say(f"stores: {', '.join(embedded) or 'all external'}")
        await _make_schemas(services, stores)
        say("schemas are up to date")
        secret = Secrets()
        supervisor = await stack.enter_async_context(Supervisor(show))
        supervisor.add(_mailbox(home))
        identities = Identities(home / "identities") if identities_wanted() else None
        if identities:
            stack.enter_context(identities.support())
        for service in services:
            identity = identities.issue(service) if identities else {}
            supervisor.add(_program(service, {**service_environment(service, stores, secret, route), **identity}))
        await wait_until_ready(services)
        if prometheus_wanted():
            supervisor.add(prometheus(services, home))
            say(f"Prometheus: {prometheus_url()}")
        yield Platform(supervisor, stores, secret, embedded)


def refuse_taken_ports(services: Sequence[Service]) -> None:
    """Say at once which port is in use, instead of letting a service fail again and again."""
    wanted = {f"{row.name} ({name})": port for row in services for name, port in service_ports(row).items()}
    if prometheus_wanted():
        wanted["prometheus"] = prometheus_port()
    wanted |= {f"mailbox ({name})": mailbox_port(name) for name in topology().mailbox}
    taken = [f"{port} for {who}" for who, port in wanted.items() if _taken(port)]
    if taken:
        raise StoreFailed(f"ports in use: {', '.join(taken)}: is the platform running already?")


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


async def _make_schemas(services: Sequence[Service], stores: Stores) -> None:
    for row in services:
        if "postgres" in row.data:
            await asyncio.to_thread(migrate, _database(row.name, stores))


def _database(name: str, stores: Stores) -> PostgresSettings:
    class Settings(PostgresSettings):
        service = name

    return Settings(
        postgres_host=stores.postgres_host,
        postgres_port=stores.postgres_port,
        postgres_user=name.replace("-", "_"),
        postgres_password=stores.postgres_password,  # type: ignore[arg-type]  # pydantic makes the SecretStr
    )


def _program(service: Service, environment: Mapping[str, str]) -> Program:
    environment = {**environment, "POSTGRES_USER": service.name.replace("-", "_")}
    command = [sys.executable, "-m", service.module]
    return Program(name=service.name, command=command, env=environment, nice=NICE.get(service.name, 0))


def _mailbox(home: Path) -> Program:
    ports = ["--smtp", str(mailbox_port("smtp")), "--http", str(mailbox_port("http"))]
    options = [*ports, "--dir", str(home / "mails")]
    command = [sys.executable, "-m", "services.local.mailbox", *options]
    return Program(name="mailbox", command=command, env=dict(os.environ), nice=NICE["mailbox"])


async def wait_until_ready(services: Sequence[Service]) -> None:
    """Every service says so on its health page, in bounded time."""
    waiting = {row.name: _health_url(row) for row in services}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PROBE_S)) as session:
        try:
            async with asyncio.timeout(READY_S):
                while waiting:
                    for name in list(waiting):
                        if await _is_up(session, waiting[name]):
                            del waiting[name]
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise NotReady(f"not ready after {READY_S:.0f} s: {', '.join(waiting)}") from None


def _health_url(row: Service) -> str:
    return f"http://{HOST}:{service_port(row.name, row.health.port)}{row.health.path}"


async def _is_up(session: aiohttp.ClientSession, url: str) -> bool:
    """Ready, and so is everything it could do without: a gateway whose peers are still starting answers 503."""
    try:
        async with session.get(url) as response:
            parts = (await response.json())["components"].values()
            return response.status == 200 and all(part["status"] == "UP" for part in parts)
    except (aiohttp.ClientError, TimeoutError):
        return False
