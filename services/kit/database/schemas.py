"""One database, and in it for each service a role that owns one schema and sees no other.

    python -m services.kit.database.schemas <service>

makes the role and schema of one service, as somebody who may (`POSTGRES_ADMIN_USER`, `POSTGRES_ADMIN_PASSWORD`), with
the name and password that the service has.
"""

import asyncio
import sys
from collections.abc import Mapping
from functools import partial
from typing import ClassVar, Final
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
from pydantic import Field, SecretStr

from services.kit.database.tls import PostgresTls, postgres_tls
from services.kit.patience import GaveUp, patiently
from services.kit.settings import PostgresSettings

STATEMENT_S: Final = 20.0
# A server that is still starting.
NOT_YET: Final = (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)
# Whoever makes schemas waits for whoever does so already: PostgreSQL does not take two changes of one database at once.
LOCK: Final = "SELECT pg_advisory_lock(hashtext('ticketing: schemas'))"


class AdminSettings(PostgresSettings):
    """A service's database settings, and somebody who may make its role."""

    service: ClassVar[str] = ""

    postgres_admin_user: str = Field(min_length=1)
    postgres_admin_password: SecretStr

    @property
    def admin_dsn(self) -> str:
        who = f"{quote(self.postgres_admin_user)}:{quote(self.postgres_admin_password.get_secret_value(), safe='')}"
        where = f"{self.postgres_host}:{self.postgres_port}/{quote(self.postgres_db)}"
        return f"postgresql://{who}@{where}"


async def create_schemas(
    admin_dsn: str, passwords: Mapping[str, str], *, database: str, tls: PostgresTls = "prefer"
) -> None:
    """`passwords` are by role. May be called at every start, by several at once: only passwords are set anew."""
    connection = await _connect_or_create(admin_dsn, database, tls)
    try:
        await connection.execute(LOCK, timeout=5 * STATEMENT_S)
        async with connection.transaction():
            await connection.execute(f"REVOKE ALL ON DATABASE {_name(database)} FROM PUBLIC")
            await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            for role, password in passwords.items():
                await _create_schema(connection, database, role, password)
    finally:
        await connection.close(timeout=STATEMENT_S)


async def _connect_or_create(admin_dsn: str, database: str, tls: PostgresTls) -> asyncpg.Connection:
    try:
        return await _connect(admin_dsn, database, tls)
    except asyncpg.InvalidCatalogNameError:
        server = await _connect(admin_dsn, "postgres", tls)
    try:
        await server.execute(f"CREATE DATABASE {_name(database)}")
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        pass  # another one was quicker
    finally:
        await server.close(timeout=STATEMENT_S)
    return await _connect(admin_dsn, database, tls)


async def _connect(admin_dsn: str, database: str, tls: PostgresTls) -> asyncpg.Connection:
    dsn = urlunsplit(urlsplit(admin_dsn)._replace(path=f"/{quote(database)}"))
    return await asyncpg.connect(dsn, ssl=tls, timeout=STATEMENT_S, command_timeout=STATEMENT_S)


async def _create_schema(connection: asyncpg.Connection, database: str, role: str, password: str) -> None:
    # Quoted: "user" is a word of SQL, and a service of ours.
    name, secret = _name(role), _quoted(password, "'")
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(f"CREATE ROLE {name} LOGIN")
    await connection.execute(f"ALTER ROLE {name} PASSWORD {secret}")
    await connection.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {_name(database)} TO {name}")
    if not await connection.fetchval("SELECT 1 FROM pg_namespace WHERE nspname = $1", role):
        # Who is no superuser gives a schema only to a role it belongs to.
        if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            await connection.execute(f"GRANT {name} TO CURRENT_USER")
        await connection.execute(f"CREATE SCHEMA {name} AUTHORIZATION {name}")
    await connection.execute(f"ALTER ROLE {name} IN DATABASE {_name(database)} SET search_path = {name}")


def _name(text: str) -> str:
    return _quoted(text, '"')


def _quoted(text: str, quote: str) -> str:
    """DDL takes no parameters; doubling the quote is enough under standard_conforming_strings."""
    return f"{quote}{text.replace(quote, quote * 2)}{quote}"


async def prepare(settings: AdminSettings) -> None:
    """Make the role and the schema; a server that is not there yet is waited for, within reason."""
    passwords = {settings.postgres_user: settings.postgres_password.get_secret_value()}
    make = partial(
        create_schemas, settings.admin_dsn, passwords, database=settings.postgres_db, tls=postgres_tls(settings)
    )
    await patiently(make, not_yet=NOT_YET)


def main() -> None:
    for name in sys.argv[1:]:

        class Settings(AdminSettings):
            service = name

        try:
            asyncio.run(prepare(Settings()))  # type: ignore[call-arg]  # pydantic reads the environment
        except GaveUp as late:
            sys.exit(f"{name}: {late}")
        sys.stdout.write(f"{name}: role and schema are there\n")


if __name__ == "__main__":
    main()
