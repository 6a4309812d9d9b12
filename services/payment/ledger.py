"""What every way of changing a payment shares: the PSP is asked outside transactions, and recorded in one."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from services.kit import tracing
from services.kit.clock import Clock
from services.kit.errors import NotNow, Refusal, Told
from services.kit.ids import new_id
from services.payment import metrics
from services.payment.domain import (
    KEYS_LAST,
    PAID,
    Intent,
    KeyReused,
    NotRefundable,
    Payment,
    Refund,
    RefundStatus,
    Status,
    StatusChanged,
    UnknownPayment,
)
from services.payment.ports import Payments, Psp, PspDown, PspRefused, Store

log = structlog.get_logger()


class Ledger:
    """`wake` is called after each commit that published something."""

    def __init__(self, store: Store, psp: Psp, now: Clock, wake: Callable[[], None]) -> None:
        self._store, self._psp, self._now, self._wake = store, psp, now, wake

    async def charge(self, payments: Sequence[Payment]) -> Mapping[str, Payment | Told]:
        """Ask the PSP for these, which are PROCESSING, and record its answers; by payment_id."""
        if not payments:
            return {}
        loop = asyncio.get_running_loop()
        began = loop.time()
        answers = await self._answers(payments)
        took_s = loop.time() - began
        intents = {pid: answer for pid, answer in answers.items() if isinstance(answer, Intent)}
        unknown = {pid: _unknown(pid, answer) for pid, answer in answers.items() if isinstance(answer, Exception)}
        metrics.PSP_SECONDS.labels("unknown" if unknown else "answered").observe(took_s, tracing.exemplar())
        metrics.PSP_ANSWERS.labels("answered").inc(len(intents))
        metrics.PSP_ANSWERS.labels("unknown").inc(len(unknown))
        return {**unknown, **await self.record([(one, intents[one.payment_id]) for one in payments
                                                if one.payment_id in intents])}  # fmt: skip

    async def _answers(self, payments: Sequence[Payment]) -> Mapping[str, Intent | Exception]:
        forgotten_at = self._now() - KEYS_LAST
        young = [payment for payment in payments if payment.created_at > forgotten_at]
        answers = dict(zip((p.payment_id for p in young), await self._psp.charge_many(young), strict=True))
        for old in payments:
            if old.created_at <= forgotten_at:
                answers[old.payment_id] = await self._look_up(old)
        return answers

    async def _look_up(self, old: Payment) -> Intent | Exception:
        try:
            found = await self._psp.find_by_payment(old.payment_id)
        except NotNow as away:
            return away
        if found is not None:
            return found
        return Intent(ref="", status=Status.FAILED, amount=old.amount, failure_reason="payment-expired")

    async def record(self, answers: Sequence[tuple[Payment, Intent]]) -> Mapping[str, Payment]:
        """The payments (by id) as they are once the PSP has said this of them; their facts are out.

        What it said of an attempt that has been followed by another changes nothing.
        """
        if not answers:
            return {}
        at = self._now()
        intents = {(asked.payment_id, asked.attempt): intent for asked, intent in answers}
        async with self._store.transaction() as payments:
            before = await payments.by_id([asked.payment_id for asked, _ in answers], lock=True)
            said = {pid: intents.get((pid, payment.attempt)) for pid, payment in before.items()}
            after = {
                pid: payment if (intent := said[pid]) is None else payment.after(intent, at=at)
                for pid, payment in before.items()
            }
            changed = [payment for pid, payment in after.items() if payment is not before[pid]]
            await payments.save(changed)
            await payments.publish([StatusChanged(payment) for payment in changed])
        self._tell(changed)
        return after

    async def undo(self, payment: Payment) -> Payment:
        """Bring a payment that is marked as cancelling to an end without our having the money. Idempotent."""
        stopped = await self.stop(payment)
        return await self._give_back_the_rest(stopped) if stopped.status in PAID else stopped

    async def stop(self, payment: Payment) -> Payment:
        """From now on no money moves on the payment's attempt; unless it has: then it is paid. Idempotent."""
        while True:
            if payment.status is Status.PROCESSING:
                intent = await self._withheld(payment)
            elif payment.status is Status.REQUIRES_ACTION:
                intent = await self._psp.cancel(payment.provider_ref)
            else:
                return payment
            before, payment = payment, (await self.record([(payment, intent)]))[payment.payment_id]
            if (payment.status, payment.attempt) == (before.status, before.attempt):
                raise PspDown

    async def _withheld(self, payment: Payment) -> Intent:
        if payment.created_at <= self._now() - KEYS_LAST:
            found = await self._psp.find_by_payment(payment.payment_id)
            return found or Intent(ref="", status=Status.CANCELLED, amount=payment.amount)
        return await self._psp.withhold(payment)

    async def _give_back_the_rest(self, payment: Payment) -> Payment:
        try:
            return await self.give_back(payment.payment_id, f"cancel-{payment.payment_id}", None, as_of=payment)
        except NotRefundable:
            async with self._store.transaction() as payments:
                now = (await payments.by_id([payment.payment_id]))[payment.payment_id]
            if now.status is Status.REFUNDED:
                return now
            if now.claimed_minor == now.amount.minor:
                # All of it is promised to refunds that are under way.
                raise PspDown from None
            raise

    async def give_back(
        self, payment_id: str, refund_key: str, minor: int | None, *, as_of: Payment | None = None
    ) -> Payment:
        """Refund that much, or all that is left, once for a refund key.

        Nothing of a payment that has come to another attempt than it had `as_of`: somebody wants it after all.
        """
        async with self._store.transaction() as payments:
            payment = await _locked(payments, payment_id)
            if as_of is not None and payment.attempt != as_of.attempt:
                return payment
            refund = await payments.find_refund(payment_id, refund_key)
            if refund is None:
                payment, claimed = payment.with_claim(minor, at=self._now())
                refund = Refund(
                    refund_id=new_id(),
                    payment_id=payment_id,
                    refund_key=refund_key,
                    minor=claimed,
                    created_at=self._now(),
                )
                await payments.save([payment])
                await payments.save_refund(refund)
        if minor is not None and refund.minor != minor:
            raise KeyReused
        return payment if refund.status is RefundStatus.DONE else await self.finish_refund(payment, refund)

    async def finish_refund(self, payment: Payment, refund: Refund) -> Payment:
        """Ask the PSP for it (again) and record its answer."""
        if refund.status is RefundStatus.REFUSED:
            raise NotRefundable
        try:
            await self._psp.refund(payment.provider_ref, refund.minor, key=f"refund-{refund.refund_id}")
        except PspRefused as refused:
            await self._close(refund, RefundStatus.REFUSED)
            raise NotRefundable from refused
        return await self._close(refund, RefundStatus.DONE)

    async def _close(self, refund: Refund, status: RefundStatus) -> Payment:
        at, changes = self._now(), []
        async with self._store.transaction() as payments:
            payment = await _locked(payments, refund.payment_id)
            now = await payments.find_refund(refund.payment_id, refund.refund_key)
            if now is not None and now.status is RefundStatus.PENDING:
                if status is RefundStatus.DONE:
                    payment = payment.with_refund(refund.minor, at=at)
                    changes = [StatusChanged(payment, refund.minor)]
                else:
                    payment = payment.without_claim(refund.minor, at=at)
                await payments.save([payment])
                await payments.save_refund(replace(refund, status=status))
                await payments.publish(changes)
        self._tell([change.payment for change in changes])
        return payment

    def _tell(self, changed: Sequence[Payment]) -> None:
        for payment in changed:
            metrics.PAYMENTS.labels(payment.provider, payment.status.value).inc()
            metrics.MONEY.labels(payment.status.value, payment.amount.currency).inc(payment.amount.minor)
        if changed:
            self._wake()


async def _locked(payments: Payments, payment_id: str) -> Payment:
    found = await payments.by_id([payment_id], lock=True)
    if payment_id not in found:
        raise UnknownPayment
    return found[payment_id]


def _unknown(payment_id: str, error: Exception) -> Told:
    """What a caller is told of a charge without an answer. A fault is logged here; it must not fail its whole batch."""
    if isinstance(error, NotNow):
        return error
    if not isinstance(error, Refusal):
        log.error("charge_failed", payment_id=payment_id, exc_info=error)
    return PspDown()
