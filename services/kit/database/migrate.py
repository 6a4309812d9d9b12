"""Bring a service's schema to its newest version: `python -m services.kit.database.migrate <service> …`.

With `--wait` nothing is changed, but waited for: until a schema has that version, or a newer one than we know.

One Alembic environment for all; each service has its versions in `<service>/migrations/versions` and its version
table in its own schema. Safe to run from several places at once: the second waits, then finds nothing to do.
"""

import asyncio
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from services.kit.database.schemas import NOT_YET
from services.kit.database.tls import postgres_tls
from services.kit.patience import GaveUp, patiently
from services.kit.settings import PostgresSettings
from services.kit.topology import TABLE, topology

HERE: Final = Path(__file__).parent
CONNECT_S: Final = 5.0
# A new database may be minutes away: its server, its role, its tables.
WAIT_AT_MOST_S: Final = 600.0


class Behind(Exception):
    """The schema has an older version than this code."""


def alembic_config(settings: PostgresSettings) -> Config:
    """Alembic's configuration for that service, with its settings within."""
    folder = TABLE.parent / topology().services[settings.service].folder
    config = Config()
    config.set_main_option("script_location", str(HERE / "alembic"))
    config.set_main_option("version_locations", str(folder / "migrations" / "versions"))
    config.set_main_option("path_separator", "os")
    config.attributes["settings"] = settings
    return config


def settings_of(name: str) -> PostgresSettings:
    """A service's database settings, from the environment."""

    class MigrationSettings(PostgresSettings):
        service = name

    return MigrationSettings()


def migrate(settings: PostgresSettings) -> None:
    """Upgrade to the newest version, one transaction a version. Raises when the database is away."""
    command.upgrade(alembic_config(settings), "head")


async def version_of(settings: PostgresSettings) -> str:
    """The schema's version; empty before the first migration. Raises when the database or the role is not there."""
    connection = await asyncpg.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        user=settings.postgres_user,
        password=settings.postgres_password.get_secret_value(),
        database=settings.postgres_db,
        ssl=postgres_tls(settings),
        timeout=CONNECT_S,
        command_timeout=CONNECT_S,
    )
    try:
        return str(await connection.fetchval("SELECT version_num FROM alembic_version") or "")
    except asyncpg.UndefinedTableError:
        return ""
    finally:
        await connection.close(timeout=CONNECT_S)


def known_versions(settings: PostgresSettings) -> Sequence[str]:
    """Of this code, the newest first."""
    scripts = ScriptDirectory.from_config(alembic_config(settings))
    return [script.revision for script in scripts.walk_revisions()]


async def wait_until_migrated(settings: PostgresSettings, *, at_most_s: float = WAIT_AT_MOST_S) -> None:
    """Wait for the version of this code, or for one it does not know: every migration suits the code before it too.

    Raises GaveUp when time is up.
    """
    known = known_versions(settings)

    async def look() -> None:
        version = await version_of(settings)
        if not version or version in known[1:]:
            raise Behind(f"{settings.service}: schema is at {version or 'nothing'}, not yet at {known[0]}")

    await patiently(look, not_yet=(*NOT_YET, asyncpg.PostgresError, Behind), at_most_s=at_most_s)


def bring_up_to_date(settings: PostgresSettings) -> str:
    """Migrate when the database is there. What it came to, for people. Raises GaveUp when it does not come.

    A schema that is newer than this code is left as it is: after a rollback the code before runs beside it.
    """
    version = asyncio.run(patiently(partial(version_of, settings), not_yet=NOT_YET))
    if version and version not in known_versions(settings):
        return f"schema is at {version}, newer than this code; nothing to do"
    migrate(settings)
    return "schema is up to date"


def main() -> None:
    named = [word for word in sys.argv[1:] if word != "--wait"]
    for name in named or [row.name for row in topology().python_services if "postgres" in row.data]:
        settings, said = settings_of(name), "schema is up to date"
        try:
            if "--wait" in sys.argv:
                asyncio.run(wait_until_migrated(settings))
            else:
                said = bring_up_to_date(settings)
        except GaveUp as late:
            sys.exit(f"{name}: {late}")
        sys.stdout.write(f"{name}: {said}\n")


if __name__ == "__main__":
    main()
