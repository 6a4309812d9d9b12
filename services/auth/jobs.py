"""What auth does unasked: it publishes its keys, makes the administrator, and forgets what has expired."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog
from redis.asyncio import Redis

from protos.queue import JWKS
from services.auth.handlers import AuthHandlers
from services.auth.ports import Store
from services.auth.settings import AuthSettings
from services.kit.clock import Clock
from services.kit.errors import NotNow
from services.kit.redis import redis_errors

# A Redis that lost the keys has them again after this long.
PUBLISH_EVERY_S: Final = 30.0
RETRY_S: Final = 2.0
SWEEP_EVERY_S: Final = 600.0
SWEEP_ROWS: Final = 1000
# Expired rows are kept a little, so that a token's late reuse is still seen for what it is.
KEPT_AFTER_EXPIRY: Final = timedelta(days=1)
log = structlog.get_logger()


class JwksBoard:
    """Puts the public keys where services that do not call auth read them."""

    def __init__(self, redis: Redis, jwks: Callable[[], Awaitable[str]]) -> None:
        self._redis, self._jwks = redis, jwks
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """The keys have changed; do not wait for the next turn."""
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            published = await _unless_not_now(self._publish, "jwks_not_published")
            await self._pause(PUBLISH_EVERY_S if published else RETRY_S)

    async def _publish(self) -> None:
        document = await self._jwks()
        with redis_errors():
            await self._redis.set(JWKS, document)

    async def _pause(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._woken.wait()
        except TimeoutError:
            return


async def make_admin(handlers: AuthHandlers, settings: AuthSettings) -> None:
    """Make the administrator of the settings, when the database is there; then wait for the end of the process."""

    async def ensure() -> None:
        password = settings.auth_admin_password.get_secret_value()
        if not await handlers.ensure_admin(settings.auth_admin_email, password):
            log.error("admin_email_belongs_to_another_account")

    if settings.auth_admin_email:
        while True:
            if await _unless_not_now(ensure, "admin_not_made"):
                break
            await asyncio.sleep(RETRY_S)
    await asyncio.Event().wait()


async def sweep(store: Store, now: Clock) -> None:
    """Forget what has expired, some rows at a time."""

    async def forget() -> None:
        forgotten = SWEEP_ROWS
        while forgotten >= SWEEP_ROWS:
            async with store.transaction() as records:
                forgotten = await records.forget_expired(before=now() - KEPT_AFTER_EXPIRY, limit=SWEEP_ROWS)

    while True:
        await _unless_not_now(forget, "sweep_waits")
        await asyncio.sleep(SWEEP_EVERY_S)


async def _unless_not_now(work: Callable[[], Awaitable[None]], event: str) -> bool:
    try:
        await work()
    except NotNow as away:
        log.warning(event, error=str(away))
        return False
    return True
