"""The services' schemas on a server that is ours alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import asyncpg

from services.kit.database import schemas

DATABASE: Final = "ticketing"


async def create_schemas(admin_dsn: str, passwords: Mapping[str, str]) -> None:
    """`passwords` are by service. May be called at every start: only passwords are set anew."""
    by_role = {role_of(service): password for service, password in passwords.items()}
    await schemas.create_schemas(admin_dsn, by_role, database=DATABASE)
    # Nobody else's applications are here: roles of ours have no business in the other databases.
    server = await asyncpg.connect(admin_dsn, timeout=schemas.STATEMENT_S, command_timeout=schemas.STATEMENT_S)
    try:
        await server.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
    finally:
        await server.close(timeout=schemas.STATEMENT_S)


def role_of(service: str) -> str:
    """The name of both role and schema: `booking-worker` is `booking_worker`."""
    return service.replace("-", "_")
