"""What all rings of tests share: the embedded stores, started once a session and only when a test asks for them."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest_asyncio

from services.kit.database.migrate import migrate
from services.kit.settings import PostgresSettings
from services.kit.topology import topology
from services.local.stores import Broker, Postgres, Valkey, create_schemas
from tests import apache_kafka
from tests.ports import free_port

PASSWORD = secrets.token_hex(8)
# Auth keeps its keys in the database of the session, under this: every test has to know it.
AUTH_KEY_SECRET = secrets.token_hex(16)


def pytest_report_header() -> str:
    lacking = apache_kafka.missing()
    return f"apache kafka: left out, no {lacking} here" if lacking else f"apache kafka: {apache_kafka.VERSION}"


@dataclass(frozen=True)
class Stores:
    """Real stores of this session, as the settings of a service name them."""

    postgres: Postgres
    valkey: Valkey
    broker: Broker

    def settings(self) -> dict[str, object]:
        """Keyword arguments that point any service's settings at these stores."""
        return {
            "postgres_host": "127.0.0.1",
            "postgres_port": self.postgres.port,
            "postgres_password": PASSWORD,
            "redis_host": "127.0.0.1",
            "redis_port": urlsplit(self.valkey.url).port,
            "kafka_brokers": self.broker.address,
            "kafka_join_groups": False,
            "bind_host": "127.0.0.1",
        }


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stores(tmp_path_factory) -> AsyncIterator[Stores]:
    """PostgreSQL with every service's schema at its newest version, Valkey, and a broker with all topics."""
    home: Path = tmp_path_factory.mktemp("stores")
    topics = [name + end for name in topology().topics for end in ("", ".dead")]
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(Postgres(home / "postgres", port=free_port()))
        valkey = await stack.enter_async_context(Valkey(home / "valkey", port=free_port()))
        broker = await stack.enter_async_context(Broker(home / "broker", port=free_port(), topics=topics))
        owners = [row.name for row in topology().python_services if "postgres" in row.data]
        await create_schemas(postgres.admin_dsn, dict.fromkeys(owners, PASSWORD))
        stores = Stores(postgres, valkey, broker)
        for owner in owners:
            await asyncio.to_thread(migrate, database_settings(owner, stores))
        yield stores


def database_settings(service_name: str, stores: Stores) -> PostgresSettings:
    """Where a service's schema is."""

    class Settings(PostgresSettings):
        service = service_name

    return Settings(postgres_host="127.0.0.1", postgres_port=stores.postgres.port, postgres_password=PASSWORD)
