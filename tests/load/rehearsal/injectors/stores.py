"""Stores that lose their power, are stopped in good order, or stop answering."""

from __future__ import annotations

import asyncio
import signal
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from services.local.stores import Store
from tests.load.rehearsal.faults import Fault, Kind
from tests.load.rehearsal.injectors.processes import send


class Stores:
    """One thing at a time happens to a store: the next waits until it is back."""

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = stores
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def inject(self, fault: Fault) -> None:
        (name,) = fault.targets
        async with self._locks[name]:
            await self._inject(fault, self._stores[name])

    async def _inject(self, fault: Fault, store: Store) -> None:
        if fault.kind is Kind.STORE_FREEZE:
            await _freeze(store, fault.lasts_s)
            return
        await (store.kill() if fault.kind is Kind.STORE_KILL else store.stop())
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            await store.start()

    async def heal(self) -> None:
        return None


async def _freeze(store: Store, lasts_s: float) -> None:
    if store.pid is None:
        raise RuntimeError("a store that does not run cannot be frozen")
    pids = [store.pid, *_children(store.pid)]
    send(signal.SIGSTOP, pids)
    try:
        await asyncio.sleep(lasts_s)
    finally:
        send(signal.SIGCONT, pids)


def _children(pid: int) -> list[int]:
    """PostgreSQL has a process for every connection. Elsewhere than on Linux they are left running."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in listed.read_text().split()] if listed.exists() else []
