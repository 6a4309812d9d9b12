"""Redis: one client per process; what it raises when it is away leaves here as DependencyDown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, ReadOnlyError, TimeoutError  # noqa: A004

from services.kit import metrics
from services.kit.errors import DependencyDown
from services.kit.settings import RedisSettings

_AWAY: Final = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OSError)
# uvloop's word for a connection that was reset before the client has noticed; it has no class of its own.
_CLOSED: Final = "the handler is closed"
CALL_TIMEOUT_S: Final = 3.0


def open_redis(settings: RedisSettings, *, name: str, call_timeout_s: float = CALL_TIMEOUT_S) -> Redis:
    """A client that answers in bytes and connects on first use.

    Nothing is retried here: whoever knows whether a command may run twice decides.
    A client that blocks (XREADGROUP BLOCK) needs a `call_timeout_s` longer than it blocks.
    """
    redis = Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        db=settings.redis_db,
        password=settings.redis_password.get_secret_value() or None,
        client_name=name,
        socket_timeout=call_timeout_s,
        socket_connect_timeout=2.0,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        max_connections=100,
        ssl=settings.redis_tls,
        ssl_ca_certs=settings.redis_ca or None,
    )
    in_use = metrics.REDIS_IN_USE.labels(name)
    in_use.set_function(lambda: _in_use(redis))
    return redis


def _in_use(redis: Redis) -> int:
    # The pool counts them and has no name of its own for the count.
    in_use: set[object] = getattr(redis.connection_pool, "_in_use_connections", set())
    return len(in_use)


@contextmanager
def redis_errors() -> Iterator[None]:
    try:
        yield
    except _AWAY as error:
        raise _unanswered() from error
    except RuntimeError as error:
        if _CLOSED not in str(error):
            raise
        raise _unanswered() from error


def _unanswered() -> DependencyDown:
    metrics.REDIS_UNANSWERED.inc()
    return DependencyDown("redis")


async def ping(client: Redis) -> None:
    with redis_errors():
        await client.ping()
