"""A buyer: opens a socket, waits for the start, orders, and lives with what comes of it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import msgspec

from tests.load.sale import wire
from tests.load.sale.api import NO_ANSWER, Member, PublicApi, Refused
from tests.load.sale.evidence import AWAITING_PAYMENT, CANCELLED, CONFIRMED, Said, Story
from tests.load.sale.plans import GOOD_CARDS, Challenge, Manner, Plan
from tests.load.sale.sockets import BuyerSocket, Heard, NoSocket
from tests.load.sale.words import said

CHALLENGE_TRIES: Final = 3
# Of whoever the bank did not recognise.
ANOTHER_CARD: Final = GOOD_CARDS[0]


@dataclass(slots=True)
class Order:
    """One order, while it is lived."""

    event_id: str
    body: bytes
    key: str
    posted_at: float = 0.0
    # When the API's answer to the POST was there.
    queued_at: float = 0.0
    booking_id: str = ""
    refused: str = ""
    listened: bool = True
    # The buyer was not there for a moment: how long the result took says nothing about the platform.
    away: bool = False
    # What the API answered to the wish to cancel.
    cancelled: Said | None = None
    heard: Heard = field(default_factory=Heard)

    def story(self) -> Story:
        return Story(
            event_id=self.event_id,
            key=self.key,
            booking_id=self.booking_id,
            refused=self.refused,
            told=self._told(),
            statuses=tuple(self.heard.statuses),
            listened=self.listened,
        )

    def _told(self) -> Said | None:
        told = said(self.heard.booking) if self.heard.booking is not None else None
        if not self.listened and not self.heard.settled:
            return None
        # The answer to the cancellation came after the confirmation; the socket may have told more since.
        if self.cancelled is not None and (told is None or told.status == CONFIRMED):
            return self.cancelled
        return told


def new_order(event_id: str, order: object) -> Order:
    return Order(event_id, msgspec.json.encode(order), str(uuid.uuid4()))


class Buyer:
    def __init__(self, member: Member, socket: BuyerSocket, api: PublicApi) -> None:
        self.member, self.socket, self._api = member, socket, api
        self.orders: list[Order] = []

    async def place(self, order: Order) -> None:
        """Post it; afterwards it has a booking id, or the reason why not."""
        self.orders.append(order)
        order.posted_at = time.perf_counter()
        try:
            booking = await self._api.place(self.member, order.body, key=order.key)
        except Refused as refused:
            order.refused = refused.reason
            return
        self._accepted(order, booking)

    async def place_twice(self, order: Order) -> None:
        """The same request at the same moment, as an impatient finger does: it is one booking."""
        self.orders.append(order)
        order.posted_at = time.perf_counter()
        posts = (self._api.place(self.member, order.body, key=order.key) for _ in range(2))
        answers = await asyncio.gather(*posts, return_exceptions=True)
        bookings = {answer.id: answer for answer in answers if isinstance(answer, wire.Booking)}
        for other in list(bookings.values())[1:]:
            # Two bookings of one key: each has its story, and the verdict will see it.
            twin = Order(order.event_id, order.body, order.key, posted_at=order.posted_at)
            self.orders.append(twin)
            self._accepted(twin, other)
        if bookings:
            self._accepted(order, next(iter(bookings.values())))
        else:
            order.refused = next((one.reason for one in answers if isinstance(one, Refused)), NO_ANSWER)

    async def wait_for_result(self, order: Order, *, within_s: float) -> Heard:
        return await self.socket.wait_for(order.booking_id, lambda heard: heard.answered, within_s=within_s)

    async def wait_until_settled(self, order: Order, *, within_s: float) -> Heard:
        return await self.socket.wait_for(order.booking_id, lambda heard: heard.settled, within_s=within_s)

    async def wait_for_the_bank(self, order: Order, *, within_s: float) -> Heard:
        return await self.socket.wait_for(
            order.booking_id, lambda heard: heard.settled or heard.may_pay_again, within_s=within_s
        )

    async def pay(self, order: Order, card: str) -> None:
        """Refused is an answer as well."""
        with suppress(Refused):
            await self._api.pay(self.member, order.booking_id, card)

    async def cancel(self, order: Order) -> None:
        """Refused is an answer as well: the booking stays as it is."""
        try:
            answer = said(await self._api.cancel(self.member, order.booking_id))
        except Refused:
            return
        # `cancelling` is a promise: the refund is on its way and the booking ends cancelled.
        order.cancelled = Said(status=CANCELLED, event_id=answer.event_id, reason=answer.reason)

    def _accepted(self, order: Order, booking: wire.Booking) -> None:
        order.queued_at, order.booking_id = time.perf_counter(), booking.id
        order.heard = self.socket.heard.setdefault(booking.id, order.heard)


class Shopper:
    """A buyer with a plan."""

    def __init__(self, buyer: Buyer, plan: Plan, http: aiohttp.ClientSession, *, patience_s: float) -> None:
        self.buyer, self._plan, self._http, self._patience_s = buyer, plan, http, patience_s

    async def shop(self, *, rush_s: float) -> None:
        """From the start of the sale until this buyer has nothing more to do."""
        plan, order = self._plan, new_order(self._plan.event_id, self._plan.order())
        await asyncio.sleep(plan.moment * rush_s)
        if plan.manner is Manner.SENDS_TWICE:
            await self.buyer.place_twice(order)
        else:
            await self.buyer.place(order)
        if not order.booking_id:
            return
        if plan.manner is Manner.LEAVES:
            await self.buyer.socket.close()
            order.listened = False
            return
        if plan.manner is Manner.RECONNECTS:
            order.away = True
            await self.buyer.socket.close()
            await asyncio.sleep(plan.thinks_s)
            try:
                await self.buyer.socket.open()
            except NoSocket:
                return  # never told: the verdict will say so
        await self._follow(order)

    async def _follow(self, order: Order) -> None:
        heard = await self.buyer.wait_for_result(order, within_s=self._patience_s)
        if heard.status == AWAITING_PAYMENT and not await self._answer_bank(order, heard.booking):
            return
        heard = await self.buyer.wait_for_the_bank(order, within_s=self._patience_s)
        if heard.may_pay_again:
            await self.buyer.pay(order, ANOTHER_CARD)
            heard = await self.buyer.wait_until_settled(order, within_s=self._patience_s)
        if heard.status == CONFIRMED and self._plan.manner is Manner.CANCELS:
            await asyncio.sleep(self._plan.thinks_s)
            await self.buyer.cancel(order)

    async def _answer_bank(self, order: Order, booking: wire.Booking | None) -> bool:
        """Whether a result is to be expected from it."""
        if self._plan.challenge is Challenge.ABANDON or booking is None or booking.next_action is None:
            return False
        await asyncio.sleep(self._plan.thinks_s)
        form = {"outcome": self._plan.challenge.value}
        for tried in range(CHALLENGE_TRIES):
            try:
                async with self._http.post(booking.next_action.url, data=form) as page:
                    await page.read()
                    return page.ok
            except (aiohttp.ClientError, OSError, TimeoutError):
                await asyncio.sleep(1.0 + tried)
        return False


def stories(buyers: Sequence[Buyer]) -> Sequence[Story]:
    return [order.story() for buyer in buyers for order in buyer.orders]
