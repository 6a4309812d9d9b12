"""One database, and in it for each service a role that owns one schema and sees no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

DATABASE: Final = "ticketing"
STATEMENT_S: Final = 20.0


async def create_schemas(admin_dsn: str, passwords: Mapping[str, str]) -> None:
    """`passwords` are by service. May be called at every start: only passwords are set anew."""
    server = await asyncpg.connect(admin_dsn, timeout=STATEMENT_S, command_timeout=STATEMENT_S)
    try:
        if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await server.execute(f"CREATE DATABASE {DATABASE}")
        await server.execute("REVOKE ALL ON DATABASE postgres, template1, ticketing FROM PUBLIC")
    finally:
        await server.close(timeout=STATEMENT_S)

    ours = urlunsplit(urlsplit(admin_dsn)._replace(path=f"/{DATABASE}"))
    database = await asyncpg.connect(ours, timeout=STATEMENT_S, command_timeout=STATEMENT_S)
    try:
        async with database.transaction():
            await database.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            for service, password in passwords.items():
                await _create_schema(database, role_of(service), password)
    finally:
        await database.close(timeout=STATEMENT_S)


def role_of(service: str) -> str:
    """The name of both role and schema: `booking-worker` is `booking_worker`."""
    return service.replace("-", "_")


async def _create_schema(database: asyncpg.Connection, role: str, password: str) -> None:
    # Quoted: "user" is a word of SQL, and a service of ours.
    name, secret = _quoted(role, '"'), _quoted(password, "'")
    if not await database.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await database.execute(f"CREATE ROLE {name} LOGIN")
    await database.execute(f"ALTER ROLE {name} PASSWORD {secret}")
    await database.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {name}")
    await database.execute(f"CREATE SCHEMA IF NOT EXISTS {name} AUTHORIZATION {name}")
    await database.execute(f"ALTER ROLE {name} IN DATABASE {DATABASE} SET search_path = {name}")


def _quoted(text: str, quote: str) -> str:
    """DDL takes no parameters; doubling the quote is enough under standard_conforming_strings."""
    return f"{quote}{text.replace(quote, quote * 2)}{quote}"
