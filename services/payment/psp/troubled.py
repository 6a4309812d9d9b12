"""The sandbox on a bad day: the same books, behind a line that is slow, loses calls, or loses answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from services.kit.rpc import deadline
from services.payment.domain import Intent, Payment, PspEvent
from services.payment.ports import Psp, PspDown
from services.payment.psp.faults import Fate, FaultDesk


class TroubledPsp:
    """A Psp as good as the desk's faults let it be. `timeout_s` is how long a caller waits for any answer."""

    def __init__(self, psp: Psp, desk: FaultDesk, *, timeout_s: float) -> None:
        self._psp, self._desk, self._timeout_s = psp, desk, timeout_s
        self.provider = psp.provider

    async def charge_many(self, payments: Sequence[Payment]) -> Sequence[Intent | Exception]:
        fates = [self._desk.fate() for _ in payments]
        reached = [payment for payment, fate in zip(payments, fates, strict=True) if fate is not Fate.UNANSWERED]
        outcomes = iter(await self._psp.charge_many(reached))
        found = [PspDown() if fate is Fate.UNANSWERED else next(outcomes) for fate in fates]
        if payments and Fate.ANSWERED not in fates:
            await self._out_of_time()
        slow = await self._is_too_slow()
        return [PspDown() if slow or fate is not Fate.ANSWERED else one for one, fate in zip(found, fates, strict=True)]

    async def withhold(self, payment: Payment) -> Intent:
        return await self._through(lambda: self._psp.withhold(payment))

    async def find(self, ref: str) -> Intent | None:
        return await self._through(lambda: self._psp.find(ref))

    async def find_by_payment(self, payment_id: str) -> Intent | None:
        return await self._through(lambda: self._psp.find_by_payment(payment_id))

    async def cancel(self, ref: str) -> Intent:
        return await self._through(lambda: self._psp.cancel(ref))

    async def refund(self, ref: str, minor: int, *, key: str) -> None:
        await self._through(lambda: self._psp.refund(ref, minor, key=key))

    async def intents(self, *, since: datetime, until: datetime, limit: int, after: str = "") -> Sequence[Intent]:
        return await self._through(lambda: self._psp.intents(since=since, until=until, limit=limit, after=after))

    async def read_event(self, body: bytes, signature: str) -> PspEvent | None:
        return await self._psp.read_event(body, signature)

    async def ping(self) -> None:
        await self._psp.ping()

    async def close(self) -> None:
        await self._psp.close()

    async def _through[R](self, call: Callable[[], Awaitable[R]]) -> R:
        fate = self._desk.fate()
        if fate is Fate.UNANSWERED:
            await self._out_of_time()
            raise PspDown
        answer = await call()
        if fate is Fate.ANSWERED_LATE:
            await self._out_of_time()
            raise PspDown
        if await self._is_too_slow():
            raise PspDown
        return answer

    async def _out_of_time(self) -> None:
        await asyncio.sleep(deadline.remaining_s(self._timeout_s))

    async def _is_too_slow(self) -> bool:
        """Waits as long as the answer takes, or as long as anybody waits for it."""
        slow_s = self._desk.now.slow_s
        patience_s = deadline.remaining_s(self._timeout_s)
        if slow_s:
            await asyncio.sleep(min(slow_s, patience_s))
        return slow_s > patience_s
