"""Payments in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from datetime import datetime

from services.payment.domain import PAID, Payment, PspEvent, Refund, RefundStatus, Status, StatusChanged

_UNDONE = PAID | {Status.REQUIRES_ACTION}


class MemoryPaymentStore:
    def __init__(self) -> None:
        self.state = MemoryPayments()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryPayments]:
        before = self.state.copied()
        try:
            yield self.state
        except BaseException:
            self.state = before
            raise


class MemoryPayments:
    def __init__(self) -> None:
        self.published: list[StatusChanged] = []
        self._payments: dict[str, Payment] = {}
        self._refunds: dict[tuple[str, str], Refund] = {}
        self._events: dict[str, PspEvent] = {}
        self._handled: dict[str, datetime] = {}
        self._leases: dict[str, datetime] = {}

    @property
    def payments(self) -> Sequence[Payment]:
        return list(self._payments.values())

    def copied(self) -> MemoryPayments:
        """As it is now; what is in it never changes, only what it consists of."""
        twin = MemoryPayments()
        for name, kept in vars(self).items():
            setattr(twin, name, copy(kept))
        return twin

    async def add(self, payments: Sequence[Payment]) -> set[str]:
        known = {payment.key for payment in self._payments.values()}
        new = {payment.key: payment for payment in payments if payment.key not in known}
        self._payments |= {payment.payment_id: payment for payment in new.values()}
        return set(new)

    async def by_key(self, keys: Collection[str], *, lock: bool = False) -> Mapping[str, Payment]:
        return {payment.key: payment for payment in self._payments.values() if payment.key in keys}

    async def by_id(self, payment_ids: Collection[str], *, lock: bool = False) -> Mapping[str, Payment]:
        return {pid: self._payments[pid] for pid in payment_ids if pid in self._payments}

    async def save(self, payments: Sequence[Payment]) -> None:
        for payment in payments:
            if not 0 <= payment.refunded_minor <= payment.claimed_minor <= payment.amount.minor:
                raise ValueError("no more back than came")
            self._payments[payment.payment_id] = payment

    async def save_attempt(self, payment: Payment) -> None:
        await self.save([payment])

    async def find_refund(self, payment_id: str, refund_key: str) -> Refund | None:
        return self._refunds.get((payment_id, refund_key))

    async def save_refund(self, refund: Refund) -> None:
        at = (refund.payment_id, refund.refund_key)
        self._refunds[at] = replace(self._refunds.get(at, refund), status=refund.status)

    async def publish(self, changes: Sequence[StatusChanged]) -> None:
        self.published += changes

    async def lease_unsettled(
        self, *, before: datetime, at: datetime, until: datetime, limit: int
    ) -> Sequence[Payment]:
        unsettled = [
            payment
            for payment in self._payments.values()
            if payment.updated_at < before
            and (payment.status is Status.PROCESSING or (payment.cancelling and payment.status in _UNDONE))
        ]
        return [payment for payment in unsettled if self._leased(payment.payment_id, at, until)][:limit]

    async def lease_refunds(self, *, before: datetime, at: datetime, until: datetime, limit: int) -> Sequence[Refund]:
        pending = [one for one in self._refunds.values() if one.status is RefundStatus.PENDING]
        due = [one for one in pending if one.created_at < before]
        return [one for one in due if self._leased(one.refund_id, at, until)][:limit]

    async def add_event(self, event: PspEvent, *, at: datetime) -> bool:
        new = event.event_id not in self._events
        self._events.setdefault(event.event_id, event)
        return new

    async def lease_events(self, *, at: datetime, until: datetime, limit: int) -> Sequence[PspEvent]:
        waiting = [event for event_id, event in self._events.items() if event_id not in self._handled]
        return [event for event in waiting if self._leased(event.event_id, at, until)][:limit]

    async def events_handled(self, event_ids: Collection[str], *, at: datetime) -> None:
        self._handled |= dict.fromkeys(event_ids, at)

    async def forget_events(self, *, before: datetime) -> None:
        for event_id in [event_id for event_id, at in self._handled.items() if at < before]:
            del self._events[event_id], self._handled[event_id]

    def _leased(self, name: str, at: datetime, until: datetime) -> bool:
        if name in self._leases and self._leases[name] >= at:
            return False
        self._leases[name] = until
        return True
