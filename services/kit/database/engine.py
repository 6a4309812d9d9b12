"""Connections and transactions. What the driver raises when PostgreSQL is away leaves here as DependencyDown."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import asyncpg
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from services.kit import metrics
from services.kit.database.statements import trace_statements
from services.kit.database.tls import postgres_tls
from services.kit.errors import Contended, DependencyDown, NotNow, Told
from services.kit.settings import PostgresSettings

# A transaction here is short by rule; one that is not is stopped before it stops others.
_SESSION: Final = {
    "statement_timeout": "10000",
    "lock_timeout": "4000",
    "idle_in_transaction_session_timeout": "15000",
    "jit": "off",
    # Services find rows by key. A table that grew a minute ago has no statistics yet, and the planner, who thinks it
    # small, would read all of it for every batch.
    "enable_seqscan": "off",
}
_COMMAND_TIMEOUT_S: Final = 12
_CONNECT_TIMEOUT_S: Final = 3
_POOL_WAIT_S: Final = 3
# SQLSTATE classes 08 (connection) and 57P (shutdown), 53 (out of resources): the server, not the statement, failed.
_AWAY: Final = ("08", "57P", "53")
# Class 40 (deadlock, serialization), lock_not_available, query_canceled by a timeout: nothing was changed, try again.
_CONTENDED: Final = ("40", "55P03", "57014")
_AWAY_DRIVER: Final = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    ConnectionError,
    TimeoutError,
    OSError,
)


def open_engine(settings: PostgresSettings) -> AsyncEngine:
    """A pool that connects on first use and survives a restart of the server. Close it with `dispose()`."""
    url = URL.create(
        "postgresql+asyncpg",
        username=settings.postgres_user,
        password=settings.postgres_password.get_secret_value(),
        host=settings.postgres_host,
        port=settings.postgres_port,
        database=settings.postgres_db,
    )
    engine = create_async_engine(
        url,
        pool_size=settings.postgres_pool,
        max_overflow=settings.postgres_pool,
        pool_timeout=_POOL_WAIT_S,
        pool_recycle=1800,
        # What a statement is given may be somebody's name; an error that is logged must not tell it.
        hide_parameters=True,
        connect_args={
            "server_settings": _SESSION | {"application_name": settings.service},
            "timeout": _CONNECT_TIMEOUT_S,
            "command_timeout": _COMMAND_TIMEOUT_S,
            "ssl": postgres_tls(settings),
        },
    )
    trace_statements(engine.sync_engine, settings)
    # A series whose first sample is a failure tells Prometheus of no increase: it has to be there before.
    for result in ("done", "contended", "away", "failed"):
        metrics.TRANSACTION_DURATION.labels(result)
    metrics.POOL_LIMIT.set(2 * settings.postgres_pool)
    metrics.POOL_IN_USE.set_function(lambda: _in_use(engine))
    return engine


def _in_use(engine: AsyncEngine) -> int:
    pool = engine.pool
    return pool.checkedout() if isinstance(pool, QueuePool) else 0


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction at PostgreSQL's default isolation (read committed): committed at the end, undone by an exception.

    Raises Contended when it changed nothing and may be tried again, DependencyDown when the server is away. When the
    server goes at the commit nobody knows whether it took place: whoever asks again must do so by key.
    """
    began, result = time.perf_counter(), "failed"
    try:
        with postgres_errors():
            async with engine.begin() as tx:
                yield tx
        result = "done"
    except NotNow as error:
        result = "contended" if isinstance(error, Contended) else "away"
        raise
    except Told:
        result = "done"  # Undone, because somebody was refused: an answer.
        raise
    finally:
        metrics.TRANSACTION_DURATION.labels(result).observe(time.perf_counter() - began)


@contextmanager
def postgres_errors() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout, *_AWAY_DRIVER) as error:
        if _sqlstate(error).startswith(_CONTENDED):
            raise Contended from error
        if _is_away(error):
            raise DependencyDown("postgres") from error
        raise


def _is_away(error: Exception) -> bool:
    if isinstance(error, (PoolTimeout, *_AWAY_DRIVER)):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = _sqlstate(error)
    return (
        error.connection_invalidated
        or state.startswith(_AWAY)
        or (isinstance(error, InterfaceError | OperationalError) and not state)
    )


def _sqlstate(error: Exception) -> str:
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


async def ping(engine: AsyncEngine) -> None:
    """Raises when the database does not answer within a second."""
    async with asyncio.timeout(1), transaction(engine) as tx:
        await tx.execute(text("SELECT 1"))
