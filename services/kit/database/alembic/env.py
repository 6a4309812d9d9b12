"""What Alembic runs to reach the database. See services/kit/database/migrate.py."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text

from services.kit.database.engine import open_engine

# Longer than any row lock of a healthy service; a migration that can not get its table tries again later.
LOCK_TIMEOUT = "4s"


def upgrade(connection: Connection) -> None:
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text("SET statement_timeout = '300s'"))
    connection.execute(text("SELECT pg_advisory_lock(hashtext('migrate:' || current_schema()))"))
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def connect() -> None:
    engine = open_engine(context.config.attributes["settings"])
    try:
        async with engine.connect() as connection:
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


asyncio.run(connect())
