"""What goes on without a caller: outcomes we never learnt, undoing left undone, and what the PSP tells us later."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.kit.clock import Clock
from services.kit.errors import NotNow, Refusal
from services.kit.metrics import counted_rounds
from services.payment import metrics
from services.payment.domain import GIVEN_UP, LATE_KEPT, PAID, Intent, Payment, PspEvent, Refund, Status
from services.payment.ledger import Ledger
from services.payment.ports import Buyers, Psp, PspDown, Store

# A call that takes longer than this has lost its caller.
ABANDONED_AFTER: Final = timedelta(seconds=10)
# Longer than any round takes; whoever dies in one is followed by another process after it.
LEASE: Final = timedelta(seconds=30)
IDLE_S: Final = 1.0
BATCH: Final = 100
AT_ONCE: Final = 16
# Longer than any PSP repeats its webhooks.
REMEMBERED: Final = timedelta(days=30)
# The PSP has nothing to add: most events are about charges whose answer we had already.
_OVER: Final = PAID | {Status.REFUNDED}
log = structlog.get_logger()


class Settling:
    def __init__(self, store: Store, ledger: Ledger, psp: Psp, buyers: Buyers, now: Clock) -> None:
        self._store, self._ledger, self._psp, self._buyers, self._now = store, ledger, psp, buyers, now
        self._woken = asyncio.Event()

    async def received(self, event: PspEvent) -> bool:
        """A webhook's event is ours for good once this returns; False when it came before."""
        async with self._store.transaction() as payments:
            new = await payments.add_event(event, at=self._now())
        self._woken.set()
        return new

    async def run_events(self) -> None:
        """For as long as the process lives."""
        while True:
            self._woken.clear()
            if await _round(self.settle_events) < BATCH:
                await _wait(self._woken)

    async def run_abandoned(self) -> None:
        """For as long as the process lives."""
        while True:
            await _round(self.settle_abandoned)
            await asyncio.sleep(IDLE_S)

    @counted_rounds("settle-events")
    async def settle_events(self) -> int:
        """Look at what the PSP told us of; how many events there were."""
        at = self._now()
        async with self._store.transaction() as payments:
            events = await payments.lease_events(at=at, until=at + LEASE, limit=BATCH)
        handled = [event for event, ok in zip(events, await _each(self.settle_event, events), strict=True) if ok]
        if handled:
            async with self._store.transaction() as payments:
                await payments.events_handled([event.event_id for event in handled], at=self._now())
        return len(events)

    async def settle_event(self, event: PspEvent) -> None:
        """Look at the charge that it is about, and take over what is true of it now. Idempotent."""
        async with self._store.transaction() as payments:
            before = (await payments.by_id([event.payment_id])).get(event.payment_id)
        if before is None or before.is_tombstone:
            return
        if before.provider_ref not in ("", event.ref):
            await self._return_stray(before, event.ref)
            return
        if before.status in _OVER:
            return
        if before.status is Status.PROCESSING and before.attempt > 1:
            # It may be about an earlier attempt; once this one has its answer we know.
            raise PspDown
        intent = await self._psp.find(event.ref)
        if intent is None:
            return
        after = await self._settle(before, intent)
        if after.status is not before.status:
            await self._buyers.payment_changed(after)

    async def _settle(self, before: Payment, intent: Intent) -> Payment:
        """The PSP's state is what counts, not the event: events come late, twice and in any order."""
        if before.status not in GIVEN_UP and before.after(intent, at=self._now()).status is Status.FAILED:
            # So that nobody pays it later with the same client secret; a success that came first counts.
            last = await self._psp.cancel(intent.ref)
            intent = last if last.status is Status.SUCCEEDED else intent
        return (await self._ledger.record([(before, intent)]))[before.payment_id]

    async def _return_stray(self, payment: Payment, ref: str) -> None:
        """Money on another charge than the one that counts: taken twice, and once goes back at once."""
        intent = await self._psp.find(ref)
        if intent is None or intent.payment_id != payment.payment_id or intent.status is not Status.SUCCEEDED:
            return
        if (left := intent.amount.minor - intent.refunded_minor) > 0:
            await self._psp.refund(ref, left, key=f"stray-{ref}")
            log.warning("stray_refunded", payment_id=payment.payment_id, ref=ref)
            metrics.REFUNDED_ORPHANS.inc()

    @counted_rounds("settle-abandoned")
    async def settle_abandoned(self) -> int:
        """Finish what its caller did not; how many there were."""
        at = self._now()
        lease = {"before": at - ABANDONED_AFTER, "at": at, "until": at + LEASE}
        async with self._store.transaction() as payments:
            unsettled = await payments.lease_unsettled(**lease, limit=BATCH)
            refunds = await payments.lease_refunds(**lease, limit=BATCH)
            await payments.forget_events(before=at - REMEMBERED)
        await self._ledger.charge([payment for payment in unsettled if not payment.cancelling])
        undone = [payment for payment in unsettled if payment.cancelling and not _is_kept(payment, at)]
        await _each(self._undo, undone)
        await _each(self._finish_refund, refunds)
        return len(unsettled) + len(refunds)

    async def _undo(self, payment: Payment) -> None:
        after = await self._ledger.undo(payment)
        if payment.late and after.status is Status.REFUNDED:
            log.warning("late_money_refunded", payment_id=payment.payment_id)
            metrics.REFUNDED_ORPHANS.inc()
            await self._buyers.payment_changed(after)

    async def _finish_refund(self, refund: Refund) -> None:
        async with self._store.transaction() as payments:
            payment = (await payments.by_id([refund.payment_id]))[refund.payment_id]
        await self._ledger.finish_refund(payment, refund)


def _is_kept(payment: Payment, at: datetime) -> bool:
    """Late money that somebody may still claim."""
    return payment.late and payment.updated_at > at - LATE_KEPT


async def _each[T](work: Callable[[T], Awaitable[object]], items: Sequence[T]) -> Sequence[bool]:
    """Work each, some at once; True for those that are done with. What failed is leased out again later."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> bool:
        async with gate:
            try:
                await work(item)
            except NotNow as away:
                log.info("settling_waits", error=str(away))
                return False
            except Refusal as refusal:
                log.warning("settling_refused", reason=refusal.reason)
            except Exception:
                log.exception("settling_failed")
                return False
            return True

    return await asyncio.gather(*(one(item) for item in items))


async def _round(work: Callable[[], Awaitable[int]]) -> int:
    try:
        return await work()
    except NotNow as away:
        log.warning("settling_waits", error=str(away))
        return 0


async def _wait(woken: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(IDLE_S):
            await woken.wait()
    except TimeoutError:
        return
