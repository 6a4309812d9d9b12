"""Compares our books with the PSP's own list, all the time and when asked; repairs what is safe to repair.

Safe is one thing: a charge that was paid while its payment is not, in our books, is looked at again in the way a
webhook makes us look. That takes the money over when the payment waits for it, and gives it back when it was given up,
by a key of the PSP, so that it happens once. Everything else is told and left as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.kit.clock import Clock
from services.kit.errors import Told
from services.kit.invariants import MAX_REPAIRS, Gauges, Report, Violation, grace_of
from services.payment.comparing import CHARGES_UNKNOWN, PROMISES, Mismatch, compare, missing
from services.payment.domain import Intent, Payment, PspEvent, Status
from services.payment.ports import Books, Psp

# Longer than a charge, its webhook and the undoing of both take.
GRACE: Final = timedelta(seconds=120)
PAGE: Final = 100
# Pages of one look: a bound on what the PSP is asked for.
MOST_PAGES: Final = 200
# Charges are compared again from the beginning of the window after so many rounds.
FULL_EVERY: Final = 60
REPAIRED_AT_ONCE: Final = 20
GAUGES: Final = Gauges(PROMISES)
log = structlog.get_logger()


class PspWatch:
    """`settle` looks at a charge again, as if a webhook had come."""

    def __init__(
        self,
        books: Books,
        psp: Psp,
        settle: Callable[[PspEvent], Awaitable[None]],
        now: Clock,
        *,
        window: timedelta,
    ) -> None:
        self._books, self._psp, self._settle, self._now, self._window = books, psp, settle, now, window
        # Up to when charges were compared, and what was wrong then.
        self._compared_until = now() - window
        self._wrong: dict[tuple[str, str], Mismatch] = {}

    async def look(self, *, grace_s: int = 0, window_s: int = 0) -> Report:
        """At every charge of the window. Changes nothing."""
        grace = grace_of(grace_s, GRACE)
        until = self._now() - grace
        looked, found, left_out = await self._look_between(
            self._now() - grace_of(window_s, self._window), self._now(), before=until
        )
        unsettled = await self._books.unsettled(before=until, limit=PAGE)
        return Report(
            promises=PROMISES,
            violations=[*found, *unsettled],
            looked_at=dict.fromkeys(PROMISES, looked),
            repairs=await self._books.repairs(MAX_REPAIRS),
            left_out=left_out,
        )

    async def run(self, *, every_s: float) -> None:
        """For as long as the process lives."""
        turn = 0
        while True:
            try:
                if turn % FULL_EVERY == 0:
                    self._compared_until = self._now() - self._window
                await self.round()
                turn += 1
            except Told as away:
                log.warning("watch_waits", error=str(away))
            except Exception:
                log.exception("watch_failed")
            await asyncio.sleep(every_s)

    async def round(self) -> Sequence[Violation]:
        """Compare what is new, look again at what was wrong, repair what is safe, and tell what is left."""
        until = self._now() - GRACE
        _, found, left_out = await self._look_between(self._compared_until, until, before=until)
        if left_out:
            log.warning("watch_left_out", why=left_out)
        self._compared_until = max(self._compared_until, until)
        self._wrong |= {(one.invariant, one.subject): one for one in found}
        await self._repair([one for one in self._wrong.values() if one.invariant == CHARGES_UNKNOWN])
        self._wrong = {(one.invariant, one.subject): one for one in await self._again(list(self._wrong.values()))}
        unsettled = await self._books.unsettled(before=until, limit=PAGE)
        violations = [*self._wrong.values(), *unsettled]
        GAUGES.tell(violations, now=self._now())
        for one in violations:
            log.error("invariant_violated", invariant=one.invariant, subject=one.subject, what=one.what)
        return violations

    async def _look_between(
        self, since: datetime, until: datetime, *, before: datetime
    ) -> tuple[int, Sequence[Mismatch], str]:
        """How many charges there were, what is wrong with them, and what was left out."""
        looked, paid = 0, set[str]()
        found: list[Mismatch] = []
        after = ""
        for _ in range(MOST_PAGES):
            page = await self._psp.intents(since=since, until=until, limit=PAGE, after=after)
            looked += len(page)
            paid |= {intent.ref for intent in page if intent.status is Status.SUCCEEDED}
            found += await self._compare(page, before=before)
            if len(page) < PAGE:
                found += await self._missing(since, min(until, before), paid)
                return looked, found, ""
            after = page[-1].ref
        return looked, found, f"more than {MOST_PAGES * PAGE} charges since {since:%Y-%m-%dT%H:%M:%SZ}"

    async def _compare(self, intents: Sequence[Intent], *, before: datetime) -> Sequence[Mismatch]:
        payments = await self._books.by_id([one.payment_id for one in intents if one.payment_id])
        return [wrong for one in intents for wrong in compare(one, payments.get(one.payment_id), before=before)]

    async def _missing(self, since: datetime, until: datetime, charged: set[str]) -> Sequence[Mismatch]:
        """Payments that took money according to us, on charges that the PSP's list does not say were paid."""
        found: list[Mismatch] = []
        after = ""
        while page := await self._books.paid_between(since, until, after=after, limit=PAGE):
            for payment in page:
                if payment.provider_ref not in charged and payment.updated_at <= until:
                    # Begun a moment before the window, or after a pause: the list does not say so, a look does.
                    charge = await self._psp.find(payment.provider_ref) if payment.provider_ref else None
                    found += missing(payment, charge)
            after = page[-1].payment_id
        return found

    async def _repair(self, unknown: Sequence[Mismatch]) -> None:
        payments = await self._books.by_id([one.subject for one in unknown])
        # Without a payment of ours nobody here can say whose money it is.
        for one in [one for one in unknown if one.subject in payments][:REPAIRED_AT_ONCE]:
            receipt = await self._books.begin_repair(one)
            await self._settle(PspEvent(f"watch-{receipt}", one.ref, one.subject))
            if not await self._again([one]):
                done = f"{one.ref} was looked at again: taken over, or given back"
                await self._books.end_repair(receipt, done=done)
                log.warning("charge_settled_late", payment_id=one.subject, ref=one.ref)

    async def _again(self, wrong: Sequence[Mismatch]) -> Sequence[Mismatch]:
        """Those that are still true."""
        payments = await self._books.by_id([one.subject for one in wrong])
        return [one for one in wrong if await self._is_still(one, payments.get(one.subject))]

    async def _is_still(self, one: Mismatch, payment: Payment | None) -> bool:
        charge = await self._psp.find(one.ref) if one.ref else None
        found = list(compare(charge, payment, before=self._now())) if charge else []
        if payment is not None and payment.provider_ref == one.ref:
            found += missing(payment, charge)
        return any(other.invariant == one.invariant for other in found)
