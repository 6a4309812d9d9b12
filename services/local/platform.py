"""The whole platform on one machine: stores, schemas, ten services, a mailbox."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.kit.database.migrate import migrate
from services.kit.settings import PostgresSettings
from services.kit.topology import Service, topology
from services.local.chosen_stores import open_stores
from services.local.environment import HOST, Route, Secrets, Stores, direct, service_environment
from services.local.identities import Identities
from services.local.identities import wanted as identities_wanted
from services.local.ports import mailbox_port, prometheus_port, service_port, service_ports
from services.local.prometheus import prometheus, prometheus_url, prometheus_wanted
from services.local.readiness import wait_until_prometheus_answers, wait_until_ready
from services.local.stores import Store, StoreFailed
from services.local.supervisor import Program, Supervisor

# Whoever listens on this machine has taken a connection by then.
ANSWERS_S: Final = 1.0
# Mails may come a little later; buyers who wait for their result may not.
NICE: Final = {"email-worker": 19, "mailbox": 19}


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
            await wait_until_prometheus_answers()
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
    """Somebody listens there. A connection that leaves by the port is no reason to refuse: it ends, and the service
    that could not bind is started again."""
    with socket.socket() as probe:
        probe.settimeout(ANSWERS_S)
        return probe.connect_ex((HOST, port)) != errno.ECONNREFUSED


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
