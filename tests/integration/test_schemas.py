"""Roles and schemas on a PostgreSQL that is not ours alone, and who waits for them."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.kit.database.migrate import bring_up_to_date, migrate, version_of, wait_until_migrated
from services.kit.database.schemas import AdminSettings, prepare
from services.kit.patience import GaveUp
from services.kit.settings import PostgresSettings
from tests.conftest import Stores

ADMIN, ADMIN_PASSWORD = "landlord", "o'p@ss/w:rd"


@pytest.fixture
async def database(stores: Stores) -> AsyncIterator[str]:
    """The name of a database that nobody has made, for an administrator who is no superuser."""
    name = f"shop_{secrets.token_hex(4)}"
    server = await asyncpg.connect(stores.postgres.admin_dsn)
    if not await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", ADMIN):
        password = ADMIN_PASSWORD.replace("'", "''")
        await server.execute(f"CREATE ROLE {ADMIN} LOGIN CREATEDB CREATEROLE PASSWORD '{password}'")
        await server.execute(f"GRANT CONNECT ON DATABASE postgres TO {ADMIN}")
    yield name
    await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    for (role,) in await server.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE 'tenant%'"):
        await server.execute(f"DROP ROLE {role}")
    await server.close()


def settings(stores: Stores, database: str, role: str, *, of: str = "auth") -> AdminSettings:
    class Settings(AdminSettings):
        service = of

    return Settings(
        postgres_host="127.0.0.1",
        postgres_port=stores.postgres.port,
        postgres_db=database,
        postgres_user=role,
        postgres_password="theirs",
        postgres_admin_user=ADMIN,
        postgres_admin_password=ADMIN_PASSWORD,
    )


async def test_an_administrator_without_all_power_makes_them_for_many_at_once(stores: Stores, database: str) -> None:
    tenants = [settings(stores, database, f"tenant_{number}") for number in range(5)]

    for _ in range(2):
        await asyncio.gather(*(prepare(tenant) for tenant in tenants))

    for tenant in tenants:
        assert await _owned(tenant) == tenant.postgres_user


async def test_what_others_have_on_the_server_is_left_alone(stores: Stores, database: str) -> None:
    server = await asyncpg.connect(stores.postgres.admin_dsn)
    await server.execute("GRANT CONNECT ON DATABASE template1 TO PUBLIC")

    await prepare(settings(stores, database, "tenant"))

    acl = await server.fetchval("SELECT datacl::text FROM pg_database WHERE datname = 'template1'")
    await server.execute("REVOKE CONNECT ON DATABASE template1 FROM PUBLIC")
    await server.close()
    assert "=c/" in acl


async def test_a_pod_waits_until_its_schema_is_there(stores: Stores, database: str) -> None:
    mine = settings(stores, database, "tenant")
    waiting = asyncio.create_task(wait_until_migrated(mine))

    await prepare(mine)
    assert await version_of(mine) == ""
    assert not waiting.done()
    await asyncio.to_thread(migrate, mine)
    await asyncio.wait_for(waiting, 10)

    assert await version_of(mine) != ""


async def test_after_a_rollback_the_version_before_runs_beside_the_newer_schema(stores: Stores, database: str) -> None:
    mine = settings(stores, database, "tenant")
    await prepare(mine)
    await asyncio.to_thread(migrate, mine)
    await _execute(mine, "UPDATE alembic_version SET version_num = 'of-the-future'")

    said = await asyncio.to_thread(bring_up_to_date, mine)
    await wait_until_migrated(mine, at_most_s=5)

    assert said == "schema is at of-the-future, newer than this code; nothing to do"
    assert await version_of(mine) == "of-the-future"


async def test_waiting_ends_with_what_was_missing(stores: Stores, database: str) -> None:
    with pytest.raises(GaveUp, match="InvalidPasswordError"):
        await wait_until_migrated(settings(stores, database, "tenant"), at_most_s=0.5)


async def test_the_commands_of_a_migration_job(stores: Stores, database: str) -> None:
    mine = settings(stores, database, "tenant")
    environment = {
        "POSTGRES_HOST": mine.postgres_host,
        "POSTGRES_PORT": str(mine.postgres_port),
        "POSTGRES_DB": database,
        "POSTGRES_USER": "tenant",
        "POSTGRES_PASSWORD": "theirs",
        "POSTGRES_ADMIN_USER": ADMIN,
        "POSTGRES_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "KAFKA_BROKERS": stores.broker.address,
    }

    said = [
        await _run(environment, "services.kit.database.schemas", "auth"),
        await _run(environment, "services.kit.database.migrate", "auth"),
        await _run(environment, "services.kit.bus.topics", "auth"),
        await _run(environment, "services.kit.database.migrate", "--wait", "auth"),
    ]

    assert said == [
        (0, "auth: role and schema are there\n"),
        (0, "auth: schema is up to date\n"),
        (0, "auth: topics are there: users, users.dead\n"),
        (0, "auth: schema is up to date\n"),
    ]


async def test_wrong_settings_are_told_without_the_password(stores: Stores) -> None:
    environment = {"POSTGRES_PASSWORD": "do-not-tell", "POSTGRES_PORT": "many"}

    code, said = await _run(environment, "services.kit.database.schemas", "auth")

    assert code != 0
    assert "postgres_admin_user" in said
    assert "do-not-tell" not in said


async def _run(environment: dict[str, str], module: str, *words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *words, env={**os.environ, **environment}, stdout=PIPE, stderr=PIPE
    )
    out, complaints = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode() or complaints.decode()


async def _connect(settings: PostgresSettings) -> asyncpg.Connection:
    return await asyncpg.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        user=settings.postgres_user,
        password=settings.postgres_password.get_secret_value(),
        database=settings.postgres_db,
    )


async def _execute(settings: PostgresSettings, statement: str) -> None:
    connection = await _connect(settings)
    await connection.execute(statement)
    await connection.close()


async def _owned(settings: PostgresSettings) -> str:
    """The schema in which a role makes its tables."""
    connection = await _connect(settings)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS mine (n int)")
        return str(
            await connection.fetchval("SELECT relnamespace::regnamespace FROM pg_class WHERE oid = 'mine'::regclass")
        )
    finally:
        await connection.close()
