"""TLS towards PostgreSQL: whom a process believes to be it."""

import ssl
from typing import Literal

from services.kit.settings import PostgresSettings

type PostgresTls = ssl.SSLContext | Literal["disable", "prefer", "require"]


def postgres_tls(settings: PostgresSettings) -> PostgresTls:
    """As asyncpg takes it: a mode that believes anybody, or authorities that vouch for the server's name."""
    if settings.postgres_sslmode == "verify-full":
        return ssl.create_default_context(cafile=settings.postgres_ca or None)
    return settings.postgres_sslmode
