"""The buyer's side of the sandbox: 3-D Secure, and choosing a card later. Each ends with a webhook, as at Stripe."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit.database.engine import transaction
from services.kit.errors import Kind, Refusal
from services.payment.domain import InvalidPaymentMethod, Status
from services.payment.orders import TOKEN, holds_card
from services.payment.psp.bank import decide
from services.payment.psp.deliveries import Deliveries
from services.payment.psp.intents import (
    NEEDS_ACTION,
    NEEDS_CARD,
    SUCCEEDED,
    SandboxIntent,
    SandboxIntents,
    SandboxRefund,
)


class UnknownIntent(Refusal):
    kind, reason = Kind.MISSING, "unknown-intent"

    def __init__(self) -> None:
        super().__init__("the sandbox knows no such intent")


class NothingToDo(Refusal):
    kind, reason = Kind.CONFLICT, "nothing-to-do"

    def __init__(self) -> None:
        super().__init__("this payment does not wait for the buyer any more")


class SandboxBuyers:
    def __init__(self, engine: AsyncEngine, deliveries: Deliveries) -> None:
        self._engine, self._deliveries = engine, deliveries

    async def intent(self, ref: str) -> SandboxIntent:
        async with transaction(self._engine) as tx:
            return await _known(tx, ref)

    async def challenge(self, ref: str, *, approved: bool) -> SandboxIntent:
        """The buyer has proved to be the card's owner, or has not. The same answer twice is given once."""
        async with transaction(self._engine) as tx:
            before = await _known(tx, ref, lock=True)
            failure = decide(before.payment_method).after_approval if approved else "authentication-failed"
            after = replace(before, status=NEEDS_CARD if failure else SUCCEEDED, failure=failure)
            if after == before:
                return before
            if before.status != NEEDS_ACTION:
                raise NothingToDo
            await self._keep(tx, after)
        self._deliveries.wake()
        return after

    async def confirm(self, ref: str, client_secret: str, payment_method: str) -> SandboxIntent:
        """The buyer pays with that card. After a declined one another may be tried."""
        if not TOKEN.fullmatch(payment_method) or holds_card(payment_method):
            raise InvalidPaymentMethod
        decision = decide(payment_method)
        async with transaction(self._engine) as tx:
            before = await _known(tx, ref, lock=True)
            if not hmac.compare_digest(before.client_secret.encode(), client_secret.encode(errors="replace")):
                raise UnknownIntent
            if before.status != NEEDS_CARD:
                raise NothingToDo
            if decision.status is Status.FAILED:
                after = replace(before, failure=decision.failure)
            elif decision.status is Status.REQUIRES_ACTION:
                after = replace(before, status=NEEDS_ACTION, failure="", payment_method=payment_method)
            else:
                after = replace(before, status=SUCCEEDED, failure="", payment_method=payment_method)
            await self._keep(tx, after)
        self._deliveries.wake()
        return after

    async def page(self, *, limit: int, after: str, status: str) -> Sequence[SandboxIntent]:
        async with transaction(self._engine) as tx:
            return await SandboxIntents(tx).page(limit=limit, after=after, status=status)

    async def refund_page(self, *, limit: int, after: str) -> Sequence[SandboxRefund]:
        async with transaction(self._engine) as tx:
            return await SandboxIntents(tx).refund_page(limit=limit, after=after)

    async def _keep(self, tx: AsyncConnection, intent: SandboxIntent) -> None:
        await SandboxIntents(tx).save(intent)
        if intent.status != NEEDS_ACTION:
            await self._deliveries.add(tx, intent)


async def _known(tx: AsyncConnection, ref: str, *, lock: bool = False) -> SandboxIntent:
    if "\x00" not in ref and (found := await SandboxIntents(tx).find(ref, lock=lock)):
        return found
    raise UnknownIntent
