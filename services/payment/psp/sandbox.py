"""The development twin of a PSP. It keeps books as Stripe does, in tables of its own, and moves no money."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import uuid_utils
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.clock import Clock
from services.kit.database.engine import ping, transaction
from services.kit.money import Money
from services.kit.rpc import deadline
from services.payment.domain import Intent, NextAction, Payment, PspEvent, Status
from services.payment.ports import BadSignature, PspDown, PspRefused
from services.payment.psp import signature as signatures
from services.payment.psp.bank import Decision, decide
from services.payment.psp.deliveries import Deliveries
from services.payment.psp.intents import (
    CANCELED,
    NEEDS_ACTION,
    NEEDS_CARD,
    SUCCEEDED,
    SandboxIntent,
    SandboxIntents,
    SandboxRefund,
)

_STATUS = {Status.SUCCEEDED: SUCCEEDED, Status.FAILED: NEEDS_CARD, Status.REQUIRES_ACTION: NEEDS_ACTION}


class SandboxPsp:
    provider = "sandbox"

    def __init__(
        self,
        engine: AsyncEngine,
        deliveries: Deliveries,
        now: Clock,
        *,
        public_url: str,
        timeout_s: float,
        patience_s: float,
    ) -> None:
        self._engine, self._deliveries, self._now = engine, deliveries, now
        self._public_url = public_url.rstrip("/")
        self._timeout_s, self._patience_s = timeout_s, patience_s

    async def charge_many(self, payments: Sequence[Payment]) -> Sequence[Intent | Exception]:
        if not payments:
            return []
        decisions = [decide(payment.payment_method) for payment in payments]
        wanted = [_intent_of(payment, decision) for payment, decision in zip(payments, decisions, strict=True)]
        async with transaction(self._engine) as tx:
            intents = SandboxIntents(tx)
            fresh = await intents.add(wanted)
            earlier = await intents.by_key([one.charge_key for one in wanted if one.charge_key not in fresh])
        late = [decision.delay_s if one.charge_key in fresh else 0.0
                for one, decision in zip(wanted, decisions, strict=True)]  # fmt: skip
        waited_s = await self._wait(late)
        return [
            PspDown() if delay_s > waited_s else self._answer(one, earlier.get(one.charge_key, one))
            for one, delay_s in zip(wanted, late, strict=True)
        ]

    async def _wait(self, late: Sequence[float]) -> float:
        """For the slowest when there are only slow ones; else a little. How long was waited."""
        if not any(late):
            return 0.0
        wanted_s = max(late) if all(late) else self._patience_s
        waited_s = min(wanted_s, deadline.remaining_s(self._timeout_s))
        await asyncio.sleep(waited_s)
        return waited_s

    def _answer(self, wanted: SandboxIntent, found: SandboxIntent) -> Intent | Exception:
        if found.asked != wanted.asked:
            return PspRefused("this idempotency key came with other parameters before")
        return self.told(found)

    async def withhold(self, payment: Payment) -> Intent:
        never = replace(_intent_of(payment, decide("")), asked="withheld", status=CANCELED)
        async with transaction(self._engine) as tx:
            intents = SandboxIntents(tx)
            await intents.add([never])
            return self.told((await intents.by_key([never.charge_key]))[never.charge_key])

    async def find(self, ref: str) -> Intent | None:
        async with transaction(self._engine) as tx:
            found = await SandboxIntents(tx).find(ref)
        return self.told(found) if found else None

    async def find_by_payment(self, payment_id: str) -> Intent | None:
        async with transaction(self._engine) as tx:
            found = await SandboxIntents(tx).find_by_payment(payment_id)
        return self.told(found) if found else None

    async def cancel(self, ref: str) -> Intent:
        async with transaction(self._engine) as tx:
            intents = SandboxIntents(tx)
            if (intent := await intents.find(ref, lock=True)) is None:
                raise PspRefused("no such intent")
            if intent.status in (NEEDS_CARD, NEEDS_ACTION):
                intent = replace(intent, status=CANCELED)
                await intents.save(intent)
        return self.told(intent)

    async def refund(self, ref: str, minor: int, *, key: str) -> None:
        refund = SandboxRefund(refund_id=_new("re"), refund_key=key, intent_id=ref, amount_minor=minor)
        async with transaction(self._engine) as tx:
            intents = SandboxIntents(tx)
            if (intent := await intents.find(ref, lock=True)) is None:
                raise PspRefused("no such intent")
            if earlier := await intents.find_refund(key):
                if (earlier.intent_id, earlier.amount_minor) != (ref, minor):
                    raise PspRefused("this idempotency key came with other parameters before")
                return
            if intent.status != SUCCEEDED or intent.refunded_minor + minor > intent.amount_minor:
                raise PspRefused("more than is left of the charge")
            await intents.add_refund(refund)
            await intents.save(replace(intent, refunded_minor=intent.refunded_minor + minor))

    async def intents(self, *, since: datetime, until: datetime, limit: int, after: str = "") -> Sequence[Intent]:
        between = (since.replace(microsecond=0), until.replace(microsecond=0))
        async with transaction(self._engine) as tx:
            begun = await SandboxIntents(tx).begun_between(*between, limit=min(limit, 100), after=after)
        return [self.told(one) for one in begun]

    async def read_event(self, body: bytes, signature: str) -> PspEvent | None:
        signatures.verify(body, signature, await self._deliveries.secret(), at=self._now().timestamp())
        try:
            event = msgspec.json.decode(body, type=_Event)
        except msgspec.DecodeError as malformed:
            raise BadSignature from malformed
        payment_id = event.data.object.metadata.get("payment_id", "")
        return PspEvent(event.id, event.data.object.id, payment_id, datetime.fromtimestamp(event.created, UTC))

    async def ping(self) -> None:
        await ping(self._engine)

    async def close(self) -> None:
        return None

    def told(self, intent: SandboxIntent) -> Intent:
        """What the sandbox says of an intent of its own, in our words."""
        status, action = Status.FAILED, None
        if intent.status == SUCCEEDED:
            status = Status.SUCCEEDED
        elif intent.status == CANCELED:
            status = Status.CANCELLED
        elif intent.status == NEEDS_ACTION:
            status = Status.REQUIRES_ACTION
            action = NextAction("redirect", url=f"{self._public_url}/sandbox/challenge/{intent.intent_id}")
        if status is not Status.SUCCEEDED and intent.status != CANCELED and not intent.payment_method:
            status, action = Status.REQUIRES_ACTION, NextAction("payment_method", client_secret=intent.client_secret)
        return Intent(
            ref=intent.intent_id,
            status=status,
            amount=Money(intent.amount_minor, intent.currency),
            refunded_minor=intent.refunded_minor,
            failure_reason=intent.failure,
            next_action=action,
            payment_id=intent.payment_id,
            booking_id=intent.booking_id,
        )


class _Object(msgspec.Struct):
    id: str
    metadata: dict[str, str] = {}


class _Data(msgspec.Struct):
    object: _Object


class _Event(msgspec.Struct):
    id: str
    created: int
    data: _Data


def _intent_of(payment: Payment, decision: Decision) -> SandboxIntent:
    ref, amount = _new("pi"), payment.amount
    return SandboxIntent(
        intent_id=ref,
        charge_key=payment.charge_key,
        asked=f"{amount.minor} {amount.currency} {payment.payment_method} {payment.booking_id}",
        client_secret=f"{ref}_secret_{secrets.token_hex(12)}",
        amount_minor=amount.minor,
        currency=amount.currency,
        status=_STATUS[decision.status] if payment.payment_method else NEEDS_CARD,
        failure=decision.failure,
        payment_method=payment.payment_method,
        payment_id=payment.payment_id,
        booking_id=payment.booking_id,
    )


def _new(prefix: str) -> str:
    """Ids that sort by the time they were made, so that a list can be paged."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"
