"""A payment service provider in memory, with the sandbox's cards and switches for its bad days."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

import msgspec

from services.kit.clock import Clock, utc_now
from services.payment.domain import Intent, NextAction, Payment, PspEvent, Status
from services.payment.ports import BadSignature, PspDown, PspRefused
from services.payment.psp.bank import decide


class MemoryPsp:
    provider = "memory"

    def __init__(self) -> None:
        self.state: dict[str, Intent] = {}
        self.now: Clock = utc_now
        self.begun_at: dict[str, datetime] = {}
        self.refunds: dict[str, tuple[str, int]] = {}
        # Does what is asked, but never says so.
        self.mute = False
        # Refuses every refund, as a bank may.
        self.refuses_refunds = False
        self.charges = 0
        self._by_key: dict[str, tuple[str, str]] = {}
        self._numbers = count(1)

    @property
    def keys(self) -> set[str]:
        """What charges were asked for by."""
        return set(self._by_key)

    async def charge_many(self, payments: Sequence[Payment]) -> Sequence[Intent | Exception]:
        return [self._charge(payment) for payment in payments]

    def _charge(self, payment: Payment) -> Intent | Exception:
        asked = f"{payment.amount} {payment.payment_method}"
        if payment.charge_key not in self._by_key:
            self.charges += 1
            self._open(payment, asked)
        before, ref = self._by_key[payment.charge_key]
        if before != asked:
            return PspRefused("key")
        return PspDown() if self.mute else self.state[ref]

    def _open(self, payment: Payment, asked: str) -> Intent:
        ref, decision = f"pi_{next(self._numbers):06}", decide(payment.payment_method)
        action = NextAction("redirect", url=f"https://bank.test/{ref}")
        if not payment.payment_method:
            action = NextAction("payment_method", client_secret=f"{ref}_secret")
        self._by_key[payment.charge_key] = (asked, ref)
        self.begun_at[ref] = self.now()
        self.state[ref] = Intent(
            ref=ref,
            status=decision.status,
            amount=payment.amount,
            failure_reason=decision.failure,
            next_action=action if decision.status is Status.REQUIRES_ACTION else None,
            payment_id=payment.payment_id,
            booking_id=payment.booking_id,
        )
        return self.state[ref]

    def authenticate(self, ref: str, *, approved: bool) -> None:
        """The buyer at the bank's page."""
        reason = "" if approved else "authentication-failed"
        status = Status.SUCCEEDED if approved else Status.FAILED
        self.state[ref] = replace(self.state[ref], status=status, failure_reason=reason, next_action=None)

    async def withhold(self, payment: Payment) -> Intent:
        if self.mute:
            raise PspDown
        if payment.charge_key not in self._by_key:
            await self.cancel(self._open(replace(payment, payment_method=""), "withheld").ref)
        return self.state[self._by_key[payment.charge_key][1]]

    async def find(self, ref: str) -> Intent | None:
        if self.mute:
            raise PspDown
        return self.state.get(ref)

    async def find_by_payment(self, payment_id: str) -> Intent | None:
        tries = [one for one in self.state.values() if one.payment_id == payment_id]
        return max(tries, key=lambda one: (one.status is Status.SUCCEEDED, one.ref), default=None)

    async def cancel(self, ref: str) -> Intent:
        if self.mute:
            raise PspDown
        intent = self.state[ref]
        if intent.status is not Status.SUCCEEDED:
            intent = replace(intent, status=Status.CANCELLED, next_action=None, failure_reason="")
            self.state[ref] = intent
        return intent

    async def refund(self, ref: str, minor: int, *, key: str) -> None:
        intent = self.state[ref]
        if self.refuses_refunds:
            raise PspRefused("the bank will not")
        if key in self.refunds:
            if self.refunds[key] != (ref, minor):
                raise PspRefused("key")
        elif intent.status is not Status.SUCCEEDED or intent.refunded_minor + minor > intent.amount.minor:
            raise PspRefused("too much")
        else:
            self.refunds[key] = (ref, minor)
            self.state[ref] = replace(intent, refunded_minor=intent.refunded_minor + minor)
        if self.mute:
            raise PspDown

    async def intents(self, *, since: datetime, until: datetime, limit: int, after: str = "") -> Sequence[Intent]:
        if self.mute:
            raise PspDown
        between = (since.replace(microsecond=0), until.replace(microsecond=0))
        begun = [ref for ref in self.state if between[0] <= self.begun_at[ref] < between[1]]
        return [self.state[ref] for ref in sorted(begun, reverse=True) if not after or ref < after][: min(limit, 100)]

    async def read_event(self, body: bytes, signature: str) -> PspEvent | None:
        if not hmac.compare_digest(signature.encode(errors="replace"), b"signed:" + body):
            raise BadSignature
        return msgspec.json.decode(body, type=PspEvent)

    async def ping(self) -> None:
        if self.mute:
            raise PspDown

    async def close(self) -> None:
        return None
