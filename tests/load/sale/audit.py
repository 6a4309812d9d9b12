"""Collecting the evidence: asked again and again until nothing is open, or nothing moves any more."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.load.sale.api import PublicApi, Refused
from tests.load.sale.buyers import Buyer, stories
from tests.load.sale.crowds import each
from tests.load.sale.evidence import Evidence, Inventory, Said, Section
from tests.load.sale.inventory import inventory_of, wait_until_loaded
from tests.load.sale.judging import Finding, Judgement, judge
from tests.load.sale.settings import SaleSettings
from tests.load.sale.wire import Event
from tests.load.sale.witnesses import Mailbox, Psp
from tests.load.sale.words import said


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything that can be asked."""

    api: PublicApi
    mailbox: Mailbox
    psp: Psp


class Audit:
    """Begun before the sale, so that what was there already is not counted."""

    def __init__(self, outside: Outside, events: Sequence[Event], settings: SaleSettings) -> None:
        self._outside, self._events, self._settings = outside, events, settings
        self._before: dict[tuple[str, str], Section] = {}
        self._bookings: dict[str, Said] = {}
        self._evidence = Evidence(stories=(), bookings={})

    async def begin(self) -> None:
        await self._outside.mailbox.begin()
        await self._outside.psp.begin()
        for event in self._events:
            self._before |= await wait_until_loaded(self._outside.api, event)

    async def settle(self, buyers: Sequence[Buyer], tell: Callable[[str], None]) -> tuple[Evidence, Judgement]:
        """When everything is in order, or has not changed for a while, or the time is over."""
        started = changed_at = time.monotonic()
        await self._look_up(buyers)
        judgement = await self._judge(buyers)
        while judgement.findings:
            tell(_open(judgement))
            now = time.monotonic()
            if now - started > self._settings.settle_s or now - changed_at > self._settings.quiet_s:
                break
            await asyncio.sleep(self._settings.look_every_s)
            before = judgement.findings
            await self._look_up(_whose(buyers, judgement.findings))
            judgement = await self._judge(buyers)
            if judgement.findings != before:
                changed_at = time.monotonic()
        tell(_open(judgement))
        return self._evidence, judgement

    async def _judge(self, buyers: Sequence[Buyer]) -> Judgement:
        mails = None
        if self._settings.wait_for_mails:
            await self._outside.mailbox.look()
            ours = {order.booking_id for buyer in buyers for order in buyer.orders} | self._bookings.keys()
            mails = tuple(mail for mail in self._outside.mailbox.mails if mail.booking_id in ours)
        self._evidence = Evidence(
            stories=stories(buyers),
            bookings=self._bookings,
            before=self._before,
            after=await self._inventory(),
            intents=await self._outside.psp.intents(),
            mails=mails,
        )
        return judge(self._evidence)

    async def _look_up(self, buyers: Sequence[Buyer]) -> None:
        await each(buyers, self._look_up_one, at_once=self._settings.preparing_at_once)

    async def _look_up_one(self, buyer: Buyer) -> None:
        """The whole list, for it may hold what the buyer does not know of; then one by one what it lacks."""
        if not any(order.booking_id for order in buyer.orders):
            return
        listed = await self._outside.api.bookings(buyer.member)
        self._bookings |= {booking.id: said(booking) for booking in listed}
        missing = {order.booking_id for order in buyer.orders if order.booking_id} - {one.id for one in listed}
        for booking_id in missing:
            try:
                self._bookings[booking_id] = said(await self._outside.api.booking(buyer.member, booking_id))
            except Refused:
                self._bookings.pop(booking_id, None)

    async def _inventory(self) -> Inventory:
        found: dict[tuple[str, str], Section] = {}
        for event in self._events:
            found |= await inventory_of(self._outside.api, event)
        return found


def _whose(buyers: Sequence[Buyer], findings: Sequence[Finding]) -> Sequence[Buyer]:
    """Those with a booking that something is found about."""
    about = {finding.about for finding in findings}
    return [buyer for buyer in buyers if any(order.booking_id in about for order in buyer.orders)]


def _open(judgement: Judgement) -> str:
    """What is not in order yet, such as `12 lost`."""
    if not judgement.findings:
        return "everything is in order"
    kinds = Counter(finding.kind for finding in judgement.findings)
    return "not in order yet: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items())
