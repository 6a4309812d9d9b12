"""The PSP and a process's store, as a simulated sale meets them on its bad days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from services.kit.errors import DependencyDown
from services.payment.domain import Intent, Payment
from services.payment.ports import PspDown
from tests.twins.booking_store import MemoryBookingStore, Rows
from tests.twins.payment_psp import MemoryPsp
from tests.twins.saga_wire import Faults, Process, Work


class FaultyPsp(MemoryPsp):
    """The PSP at the other end of a network that loses, doubles and delays."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    async def charge_many(self, payments: Sequence[Payment]) -> Sequence[Intent | Exception]:
        if not payments:
            return []
        try:
            return await self._sent("charge", lambda: MemoryPsp.charge_many(self, payments))
        except PspDown as down:
            return [down] * len(payments)

    async def withhold(self, payment: Payment) -> Intent:
        return await self._sent("withhold", lambda: MemoryPsp.withhold(self, payment))

    async def cancel(self, ref: str) -> Intent:
        return await self._sent("cancel", lambda: MemoryPsp.cancel(self, ref))

    async def refund(self, ref: str, minor: int, *, key: str) -> None:
        await self._sent("refund", lambda: MemoryPsp.refund(self, ref, minor, key=key))

    async def _sent[T](self, what: str, work: Work[T]) -> T:
        fault = self._faults.next("psp", what)
        # Others have their turn while the PSP thinks.
        await asyncio.sleep(0.05)
        if fault == "request-lost":
            raise PspDown
        if fault == "delayed":
            self._faults.later(work)
            raise PspDown
        answer = await work()
        if fault == "reply-lost":
            raise PspDown
        return await work() if fault == "doubled" else answer


class WatchedStore(MemoryBookingStore):
    """The store of a process: its commits may fail, or their answers be lost; a dead process commits nothing."""

    def __init__(self, rows: Rows, process: Process, faults: Faults) -> None:
        super().__init__(rows, me=process.name)
        self._process, self._faults = process, faults

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        await self._process.breathe()
        fault = ""
        async with super().transaction() as bookings:
            noted = _Noting(bookings)
            yield noted
            if noted.wrote:
                fault = self._faults.next("write", f"{self._process.name} {noted.wrote}")
            if fault == "not-committed":
                raise DependencyDown("postgres")
            if fault == "crash-before":
                self._process.alive = False
                raise DependencyDown("postgres")
        if fault == "reply-lost":
            raise DependencyDown("postgres")
        if fault == "crash-after":
            await self._process.die()
        # Others have their turn between two transactions.
        await asyncio.sleep(0)


class _Noting:
    WRITES = ("add", "save", "take", "take_parked")

    def __init__(self, bookings: Any) -> None:
        self._bookings, self.wrote = bookings, ""

    def __getattr__(self, name: str) -> Any:
        if name in self.WRITES:
            self.wrote = name
        return getattr(self._bookings, name)
