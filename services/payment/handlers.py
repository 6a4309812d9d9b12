"""One method per RPC. Transactions begin here and in the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.kit.clock import Clock
from services.kit.errors import Invalid, NotNow, Refusal, Told
from services.kit.ids import new_id
from services.kit.money import Money
from services.payment.domain import PAID, InvalidAmount, KeyReused, Payment, Status, UnknownPayment, tombstone
from services.payment.ledger import Ledger
from services.payment.orders import MAX_BATCH, Order, checked_amount, checked_attempt, checked_key
from services.payment.ports import Payments, PspDown, Store


class PaymentHandlers:
    def __init__(self, store: Store, ledger: Ledger, now: Clock, *, provider: str) -> None:
        self._store, self._ledger, self._now, self._provider = store, ledger, now, provider

    async def create_many(self, orders: Sequence[Order]) -> Sequence[Payment | Told]:
        """Charge each once for its key; one outcome each, in their order."""
        if len(orders) > MAX_BATCH:
            raise Invalid(f"requests: at most {MAX_BATCH} at once")
        refused: dict[int, Told] = {}
        wanted: dict[str, Order] = {}
        for place, order in enumerate(orders):
            try:
                if wanted.setdefault(order.checked().key, order).amount != order.amount:
                    raise KeyReused
            except Refusal as refusal:
                refused[place] = refusal
        outcomes = await self._charge_once(wanted) if wanted else {}
        return [refused.get(place) or outcomes[order.key] for place, order in enumerate(orders)]

    async def _charge_once(self, wanted: Mapping[str, Order]) -> Mapping[str, Payment | Told]:
        known = {key: await self._again(one, wanted[key]) for key, one in (await self._admit(wanted)).items()}
        open_ones = [one for one in known.values() if isinstance(one, Payment) and one.status is Status.PROCESSING]
        answered = await self._ledger.charge([one for one in open_ones if not one.cancelling])
        # One that is being undone has no answer until that is done.
        return {**known, **{one.key: answered.get(one.payment_id) or PspDown() for one in open_ones}}

    async def _admit(self, wanted: Mapping[str, Order]) -> Mapping[str, Payment | Told]:
        """Keep the new ones; of keys that came before, the payment they made, or a refusal."""
        at = self._now()
        new = {key: order.as_payment(new_id(), self._provider, at=at) for key, order in wanted.items()}
        async with self._store.transaction() as payments:
            added = await payments.add(list(new.values()))
            earlier = await payments.by_key(new.keys() - added) if len(added) < len(new) else {}
        return {key: _as_before(earlier[key], one) if key in earlier else one for key, one in new.items()}

    async def _again(self, known: Payment | Told, order: Order) -> Payment | Told:
        """A key that came before with a lower attempt: another try, once the last one can not take money any more."""
        if isinstance(known, Told) or order.attempt <= known.attempt:
            return known
        try:
            await self._ledger.stop(known)
        except NotNow as away:
            return away
        async with self._store.transaction() as payments:
            before = (await payments.by_key([order.key], lock=True))[order.key]
            after = before.tried_again(order.attempt, order.payment_method, at=self._now())
            if after is not before:
                await payments.save_attempt(after)
        return after

    async def payment(self, payment_id: str, key: str, user_id: str) -> Payment:
        async with self._store.transaction() as payments:
            if payment_id:
                found = (await payments.by_id([checked_key(payment_id, "payment_id")])).get(payment_id)
            else:
                found = (await payments.by_key([checked_key(key)])).get(key)
        if found is None or found.is_tombstone or (user_id and found.user_id != user_id):
            raise UnknownPayment
        return found

    async def cancel(self, key: str, *, attempt: int = 0, unless_paid: bool = False) -> Payment | None:
        """Undo by key whatever happened, up to that attempt; None when nothing ever did, and now never will.

        With `unless_paid` only what has not led to money: that is kept, also if it came late.
        """
        checked_key(key)
        checked_attempt(attempt)
        async with self._store.transaction() as payments:
            await payments.add([tombstone(key, new_id(), self._provider, at=self._now())])
            payment = (await payments.by_key([key], lock=True))[key]
            if payment.is_tombstone:
                return None
            if 0 < attempt < payment.attempt:
                return payment
            keep = unless_paid and payment.is_wanted
            if keep and payment.status in PAID:
                return await _kept(payments, payment, attempt, at=self._now())
            if not keep and not payment.cancelling:
                payment = replace(payment, cancelling=True)
                await payments.save([payment])
        return await (self._ledger.stop(payment) if keep else self._ledger.undo(payment))

    async def refund(self, payment_id: str, refund_key: str, amount: Money | None) -> Payment:
        checked_key(payment_id, "payment_id")
        checked_key(refund_key, "refund_key")
        if amount is not None:
            await self._check_currency(payment_id, checked_amount(amount))
        return await self._ledger.give_back(payment_id, refund_key, amount.minor if amount else None)

    async def _check_currency(self, payment_id: str, amount: Money) -> None:
        if (await self.payment(payment_id, "", "")).amount.currency != amount.currency:
            raise InvalidAmount("must be in the currency of the payment")


async def _kept(payments: Payments, payment: Payment, attempt: int, *, at: datetime) -> Payment:
    kept = payment.kept(attempt, at=at)
    if kept is not payment:
        await payments.save_attempt(kept)
    return kept


def _as_before(earlier: Payment, now: Payment) -> Payment | Told:
    if earlier.is_tombstone:
        return replace(now, payment_id=earlier.payment_id, status=Status.CANCELLED, created_at=earlier.created_at)
    return earlier if earlier.amount == now.amount else KeyReused()
