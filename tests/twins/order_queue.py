"""The line of each event in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from services.gateway.domain import InLine, KeyReused, Order, Queued, QueueFull
from services.kit.clock import Clock


class MemoryQueue:
    def __init__(self, now: Clock, *, limit: int = 200_000) -> None:
        self._now, self._limit = now, limit
        self._records: dict[str, Queued] = {}
        self._keys: dict[tuple[str, str], tuple[str, str]] = {}
        # Event → the orders in its line.
        self.lines: defaultdict[str, list[Order]] = defaultdict(list)
        self._served: dict[str, int] = {}

    async def serve(self, event_id: str, number: int) -> None:
        self._served[event_id] = number

    async def end(self, booking_id: str, ended: Literal["rejected", "cancelled"], reason: str) -> None:
        """What the worker records of an order that booking never knew."""
        self._records[booking_id] = replace(self._records[booking_id], ended=ended, reason=reason)

    async def place(self, orders: Sequence[Order]) -> Sequence[Queued | Exception]:
        return [self._place(order) for order in orders]

    async def find(self, booking_id: str) -> Queued | None:
        record = self._records.get(booking_id)
        if record is None:
            return None
        return replace(record, line=InLine(record.line.number, self._served.get(record.event_id, 0)))

    async def repeated(self, order: Order) -> Queued | None:
        first = self._keys.get((order.user_id, order.idempotency_key))
        if first is None:
            return None
        if first[1] != order.digest:
            raise KeyReused
        return await self.find(first[0])

    async def cancel(self, booking_id: str, *, user_id: str) -> Queued | None:
        found = await self.find(booking_id)
        if found is None or found.user_id != user_id or (found.line.is_served and found.status == "queued"):
            return None
        if found.ended is None:
            self._records[booking_id] = replace(found, cancelled=True)
        return await self.find(booking_id)

    def _place(self, order: Order) -> Queued | Exception:
        known = order.booking_id
        if order.idempotency_key:
            first = self._keys.get((order.user_id, order.idempotency_key), (known, order.digest))
            if first[1] != order.digest:
                return KeyReused()
            known = first[0]
        if known in self._records:
            return self._records[known]
        line, served = self.lines[order.event_id], self._served.get(order.event_id, 0)
        if len(line) - served >= self._limit:
            return QueueFull()
        line.append(order)
        queued = Queued(
            booking_id=order.booking_id,
            user_id=order.user_id,
            event_id=order.event_id,
            line=InLine(len(line), served),
            queued_at=self._now(),
        )
        self._records[order.booking_id] = queued
        if order.idempotency_key:
            self._keys[order.user_id, order.idempotency_key] = (order.booking_id, order.digest)
        return queued
