"""Guesses slowed down, by what memory remembers of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.auth.throttle import Limits, network_of
from services.kit.clock import Clock

LIMITS = Limits(free_attempts=5, first_delay_s=10, longest_delay_s=900, window_s=900, address_failures=8)


@dataclass(slots=True)
class Tried:
    attempts: int
    open_at: datetime
    forget_at: datetime


class MemoryThrottle:
    def __init__(self, limits: Limits, now: Clock) -> None:
        self._limits, self._now = limits, now
        self._accounts: dict[str, Tried] = {}
        self._addresses: dict[str, tuple[int, datetime]] = {}

    async def begin(self, account: str, address: str) -> float:
        now, limits = self._now(), self._limits
        failures, ends = self._addresses.get(network_of(address), (0, now))
        if address and limits.address_failures and failures >= limits.address_failures and now < ends:
            return (ends - now).total_seconds()
        tried = self._accounts.get(account, Tried(0, now, now))
        if now < tried.open_at:
            return (tried.open_at - now).total_seconds()
        attempts = 1 if now >= tried.forget_at else tried.attempts + 1
        over = attempts - limits.free_attempts
        delay_s = min(limits.longest_delay_s, limits.first_delay_s * 2.0**over) if over >= 0 else 0
        open_at = now + timedelta(seconds=delay_s)
        self._accounts[account] = Tried(attempts, open_at, open_at + timedelta(seconds=limits.window_s))
        return 0

    async def failed(self, address: str) -> None:
        if not (address and self._limits.address_failures):
            return
        now, network = self._now(), network_of(address)
        failures, ends = self._addresses.get(network, (0, now))
        if now >= ends:
            failures, ends = 0, now + timedelta(seconds=self._limits.window_s)
        self._addresses[network] = (failures + 1, ends)

    async def succeeded(self, account: str) -> None:
        self._accounts.pop(account, None)

    async def undone(self, account: str) -> None:
        if (tried := self._accounts.get(account)) and tried.attempts:
            tried.attempts, tried.open_at = tried.attempts - 1, self._now()
