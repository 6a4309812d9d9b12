"""Guesses slowed down, by what Redis remembers of them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from redis.asyncio import Redis

from services.auth import metrics
from services.auth.ports import Throttle
from services.auth.settings import AuthSettings
from services.kit.clock import Clock
from services.kit.errors import DependencyDown
from services.kit.redis import redis_errors

PREFIX: Final = "auth:throttle:"
# A login does not wait longer than this for its throttle.
CALL_TIMEOUT_S: Final = 0.5
log = structlog.get_logger()

# In one step, so that of attempts that come together each sees the one before. Times are ours, in milliseconds: what
# a key's own expiry removes is only what has no meaning any more.
_BEGIN: Final = """
local now, window, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local free, first, longest = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
if limit > 0 then
  local seen = redis.call('HMGET', KEYS[2], 'failures', 'until')
  local ends = tonumber(seen[2] or 0)
  if tonumber(seen[1] or 0) >= limit and now < ends then return ends - now end
end
local seen = redis.call('HMGET', KEYS[1], 'attempts', 'open_at', 'forget_at')
local attempts, open_at, forget_at = tonumber(seen[1] or 0), tonumber(seen[2] or 0), tonumber(seen[3] or 0)
if now < open_at then return open_at - now end
if now >= forget_at then attempts = 0 end
attempts = attempts + 1
local delay = 0
if attempts >= free then delay = math.floor(math.min(longest, first * 2 ^ math.min(attempts - free, 30))) end
redis.call('HSET', KEYS[1], 'attempts', attempts, 'open_at', now + delay, 'forget_at', now + delay + window)
redis.call('PEXPIRE', KEYS[1], delay + window)
return 0
"""
_FAILED: Final = """
local now, window = tonumber(ARGV[1]), tonumber(ARGV[2])
if now >= tonumber(redis.call('HGET', KEYS[1], 'until') or 0) then
  redis.call('HSET', KEYS[1], 'failures', 0, 'until', now + window)
  redis.call('PEXPIRE', KEYS[1], window)
end
redis.call('HINCRBY', KEYS[1], 'failures', 1)
"""
_UNDONE: Final = """
if tonumber(redis.call('HGET', KEYS[1], 'attempts') or 0) > 0 then
  redis.call('HINCRBY', KEYS[1], 'attempts', -1)
  redis.call('HSET', KEYS[1], 'open_at', 0)
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many attempts, and how long the waits after them; 0 failures an address: no limit."""

    free_attempts: int
    first_delay_s: float
    longest_delay_s: float
    window_s: float
    address_failures: int

    @classmethod
    def of(cls, settings: AuthSettings) -> Limits:
        return cls(
            free_attempts=settings.login_free_attempts,
            first_delay_s=settings.login_first_delay_s,
            longest_delay_s=settings.login_longest_delay_s,
            window_s=settings.login_window_s,
            address_failures=settings.login_address_failures,
        )


class RedisThrottle:
    """Keys are keyed hashes: whoever reads Redis learns neither emails nor addresses."""

    def __init__(self, redis: Redis, hashing_key: bytes, limits: Limits, now: Clock) -> None:
        self._hashing_key, self._limits, self._now = hashing_key, limits, now
        self._begin = redis.register_script(_BEGIN)
        self._failed = redis.register_script(_FAILED)
        self._undone = redis.register_script(_UNDONE)
        self._redis = redis

    async def begin(self, account: str, address: str) -> float:
        limits = self._limits
        wait_ms = await _answer(
            self._begin(
                keys=[self._key("account", account), self._key("address", network_of(address))],
                args=[
                    _milliseconds(self._now()),
                    int(limits.window_s * 1000),
                    limits.address_failures if address else 0,
                    limits.free_attempts,
                    int(limits.first_delay_s * 1000),
                    int(limits.longest_delay_s * 1000),
                ],
            )
        )
        return int(wait_ms) / 1000

    async def failed(self, address: str) -> None:
        if address and self._limits.address_failures:
            args = [_milliseconds(self._now()), int(self._limits.window_s * 1000)]
            await _answer(self._failed(keys=[self._key("address", network_of(address))], args=args))

    async def succeeded(self, account: str) -> None:
        await _answer(self._redis.delete(self._key("account", account)))

    async def undone(self, account: str) -> None:
        await _answer(self._undone(keys=[self._key("account", account)]))

    def _key(self, what: str, name: str) -> str:
        return f"{PREFIX}{what}:{hmac.new(self._hashing_key, name.encode(), hashlib.sha256).hexdigest()[:32]}"


class LenientThrottle:
    """Lets everybody in while the throttle can not be asked.

    A sale must not stop because Redis did: buyers who can not log in are a sure loss, a few minutes of guessing are
    a small risk. Guessing stays slow even then, for passwords are long and hashing them takes two threads' time.
    """

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._away = False

    async def begin(self, account: str, address: str) -> float:
        return await self._or_zero(self._throttle.begin(account, address))

    async def failed(self, address: str) -> None:
        await self._or_zero(self._throttle.failed(address))

    async def succeeded(self, account: str) -> None:
        await self._or_zero(self._throttle.succeeded(account))

    async def undone(self, account: str) -> None:
        await self._or_zero(self._throttle.undone(account))

    async def _or_zero(self, asked: Awaitable[float | None]) -> float:
        try:
            answer = await asked or 0.0
        except DependencyDown as down:
            metrics.THROTTLE_FAILURES.inc()
            if not self._away:
                log.warning("throttle_away", error=str(down))
            self._away = True
            return 0.0
        self._away = False
        return answer


def network_of(address: str) -> str:
    """What one client has: an IPv4 address, or the whole /64 of an IPv6 one. Anything else stands for itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed.packed, 64), strict=False))
    return str(parsed)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


async def _answer[T](asked: Awaitable[T]) -> T:
    with redis_errors():
        async with asyncio.timeout(CALL_TIMEOUT_S):
            return await asked
