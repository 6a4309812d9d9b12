"""The stores of a local run: embedded ones, but for those the environment says are elsewhere."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from services.kit.topology import topology
from services.local.environment import HOST, Route, Stores
from services.local.ports import store_port
from services.local.stores import Broker, Postgres, Store, Valkey, create_schemas, create_topics


async def open_stores(stack: AsyncExitStack, home: Path, route: Route) -> tuple[Stores, Mapping[str, Store]]:
    """Where they are, and those that were started here by name; the stack stops these again.

    `POSTGRES_HOST` (with POSTGRES_PORT, and POSTGRES_USER and POSTGRES_PASSWORD of somebody who may make schemas),
    `REDIS_HOST` and `KAFKA_BROKERS` name stores of one's own.
    """
    password = os.environ.get("POSTGRES_PASSWORD") or secrets.token_hex(12)
    stores, started = Stores(postgres_password=password), dict[str, Store]()
    for choose in (_postgres, _redis):
        stores = await choose(stack, home, stores, started)
    return await _kafka(stack, home, stores, started, route), started


async def _postgres(stack: AsyncExitStack, home: Path, stores: Stores, started: dict[str, Store]) -> Stores:
    if host := os.environ.get("POSTGRES_HOST"):
        stores = replace(
            stores,
            postgres_host=host,
            postgres_port=_port("POSTGRES_PORT", stores.postgres_port),
            postgres_sslmode=os.environ.get("POSTGRES_SSLMODE", "prefer"),
        )
        user = os.environ.get("POSTGRES_USER", "postgres")
        admin = f"postgresql://{user}:{stores.postgres_password}@{host}:{stores.postgres_port}/postgres"
    else:
        postgres = await stack.enter_async_context(Postgres(home / "postgres", port=stores.postgres_port))
        admin = postgres.admin_dsn
        started["PostgreSQL"] = postgres
    owners = [row.name for row in topology().python_services if "postgres" in row.data]
    await create_schemas(admin, dict.fromkeys(owners, stores.postgres_password))
    return stores


async def _redis(stack: AsyncExitStack, home: Path, stores: Stores, started: dict[str, Store]) -> Stores:
    if host := os.environ.get("REDIS_HOST"):
        return replace(stores, redis_host=host, redis_port=_port("REDIS_PORT", stores.redis_port))
    started["Valkey"] = await stack.enter_async_context(Valkey(home / "valkey", port=stores.redis_port))
    return stores


async def _kafka(stack: AsyncExitStack, home: Path, stores: Stores, started: dict[str, Store], route: Route) -> Stores:
    topics = [name + end for name in topology().topics for end in ("", ".dead")]
    if brokers := os.environ.get("KAFKA_BROKERS"):
        await create_topics(brokers, topics)
        return replace(stores, kafka_brokers=brokers, kafka_join_groups=True)
    # A broker tells all its clients the same address.
    advertised = route("", "kafka", store_port("kafka"))
    broker = Broker(home / "broker", port=store_port("kafka"), topics=topics, advertised_port=advertised)
    started["broker"] = await stack.enter_async_context(broker)
    return replace(stores, kafka_brokers=f"{HOST}:{advertised}")


def _port(name: str, otherwise: int) -> int:
    return int(os.environ.get(name, otherwise))
