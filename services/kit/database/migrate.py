"""Bring a service's schema to its newest version: `python -m services.kit.database.migrate <service> …`.

One Alembic environment for all; each service has its versions in `<service>/migrations/versions` and its version
table in its own schema. Safe to run from several places at once: the second waits, then finds nothing to do.
"""

import sys
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config

from services.kit.settings import PostgresSettings
from services.kit.topology import TABLE, topology

HERE: Final = Path(__file__).parent


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


def main() -> None:
    for name in sys.argv[1:] or [row.name for row in topology().python_services if "postgres" in row.data]:
        migrate(settings_of(name))
        sys.stdout.write(f"{name}: schema is up to date\n")


if __name__ == "__main__":
    main()
