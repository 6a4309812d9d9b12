"""One method per RPC, fact and job. Transactions begin here; each works many requests, in the order they came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from services.kit.errors import Invalid, Overloaded, Refusal
from services.kit.ids import new_id
from services.kit.metrics import counted_rounds
from services.ticket import metrics
from services.ticket.domain import keeping, reserving
from services.ticket.domain.event import Layout
from services.ticket.domain.hold import (
    Extension,
    GiveBack,
    Hold,
    Order,
    Sale,
    SignedTicket,
    Ticket,
    check_word,
    keys_of,
)
from services.ticket.domain.stock import Stock
from services.ticket.ports import Inventory, Raced, Signer, Store

MAX_BATCH: Final = 500
SWEPT_AT_ONCE: Final = 200
# Transactions of this process at a time. Those of one event take turns in the database, so more would only wait there.
AT_A_TIME: Final = 4
MAX_WAITING: Final = 200
# A key can be taken by another process once; that it happens this often is not chance.
TRIES: Final = 4


class Turns:
    """A few at a time, in the order they came, and a bound on those who wait."""

    def __init__(self) -> None:
        self._free, self._waiting = asyncio.Semaphore(AT_A_TIME), 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        if self._waiting >= MAX_WAITING:
            raise Overloaded("seats")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()


class TicketHandlers:
    def __init__(self, store: Store, signer: Signer, wake: Callable[[], None], *, hold_lasts: timedelta) -> None:
        """`wake` is called when facts were committed."""
        self._store, self._signer, self._wake = store, signer, wake
        self._hold_lasts = hold_lasts
        self._turns = Turns()

    async def reserve(self, orders: Sequence[Order]) -> Sequence[Hold | Refusal]:
        """Hold the places of each order, in one transaction; one that is refused does not trouble the others."""
        outcomes = await self._for_each_sound("reserve", orders, Order.check, self._reserve)
        for outcome in outcomes:
            if isinstance(outcome, Refusal):
                metrics.SEATS_REFUSED.labels(outcome.reason).inc()
        return outcomes

    async def confirm(self, sales: Sequence[Sale]) -> Sequence[Sequence[SignedTicket] | Refusal]:
        """Sell what each key holds and issue its tickets; those of a key are issued once."""
        outcomes = await self._for_each_sound("confirm", sales, Sale.check, self._confirm)
        # Signed here, where no transaction is open any more.
        signed = iter(await self._signer.sign([one for one in outcomes if not isinstance(one, Refusal)]))
        return [one if isinstance(one, Refusal) else next(signed) for one in outcomes]

    async def extend(self, extensions: Sequence[Extension]) -> Sequence[Hold | Refusal]:
        """Let each key's hold live until the time given; it waits for its buyer and not for a payment in flight."""
        return await self._for_each_sound("extend", extensions, _check_extension, self._extend)

    async def release(self, asked: Sequence[GiveBack]) -> Sequence[int | Refusal]:
        """Free what each key holds or bought; how many places that were. Never to be reserved under that key again."""
        return await self._for_each_sound("release", asked, _check_give_back, self._release)

    @counted_rounds("sweep")
    async def expire_holds(self) -> int:
        """Free holds that are over; how many. Less than SWEPT_AT_ONCE: there are no more for now."""
        due = await self._store.due(SWEPT_AT_ONCE)
        if not due:
            return 0
        expired = await self._transact(lambda tx: _expire(tx, due))
        metrics.HOLDS_EXPIRED.inc(expired)
        return expired

    @counted_rounds("count")
    async def count(self) -> None:
        """How many places are left, and tell."""
        places = await self._store.places()
        for state, count in (("free", places.free), ("held", places.held), ("sold", places.sold)):
            metrics.SEATS.labels(state).set(count)

    async def events_changed(self, published: Mapping[str, Layout], cancelled: Mapping[str, str]) -> None:
        """Facts of topic `events`, by fact id: layouts of events now on sale, and ids of events that are cancelled."""
        async with self._store.transaction() as tx:
            fresh = await tx.first_time([*published, *cancelled])
            await tx.add_events([layout for fact_id, layout in published.items() if fact_id in fresh])
            await tx.cancel_events([event_id for fact_id, event_id in cancelled.items() if fact_id in fresh])

    async def _reserve(self, orders: Sequence[Order]) -> Sequence[Hold | Refusal]:
        async def work(tx: Inventory) -> tuple[Sequence[Hold | Refusal], int]:
            locked = await tx.lock(event_ids={order.event_id for order in orders}, keys=keys_of(orders))
            holds = await tx.holds(keys_of(orders))
            stock = await tx.stock(reserving.asked_by(orders, locked, holds))
            outcomes = reserving.reserve(orders, locked=locked, holds=holds, stock=stock, lasts=self._hold_lasts)
            if apart := stock.seated_apart:
                # Decided anew with a longer view, for some might sit together further back.
                stock = await tx.stock(reserving.asked_by(orders, locked, holds, wide=frozenset(apart)))
                outcomes = reserving.reserve(orders, locked=locked, holds=holds, stock=stock, lasts=self._hold_lasts)
            await tx.write(stock.changes)
            return outcomes, sum(len(hold.places) for hold in stock.changes.new.values())

        outcomes, held = await self._transact(work)
        metrics.SEATS_HELD.inc(held)
        return outcomes

    async def _confirm(self, sales: Sequence[Sale]) -> Sequence[Sequence[Ticket] | Refusal]:
        async def work(tx: Inventory) -> tuple[Sequence[Sequence[Ticket] | Refusal], Stock]:
            locked = await tx.lock(keys=keys_of(sales))
            holds = await tx.holds(keys_of(sales))
            stock = await tx.stock(keeping.asked_by_keys(holds))
            tickets = await tx.tickets(holds)
            outcomes = keeping.sell(sales, locked=locked, holds=holds, tickets=tickets, stock=stock, new_id=new_id)
            await tx.write(stock.changes)
            return outcomes, stock

        outcomes, stock = await self._transact(work)
        metrics.SEATS_SOLD.inc(len(stock.changes.issued))
        for outcome in outcomes:
            if isinstance(outcome, Refusal):
                metrics.SALES_REFUSED.labels(outcome.reason).inc()
        return outcomes

    async def _extend(self, extensions: Sequence[Extension]) -> Sequence[Hold | Refusal]:
        async def work(tx: Inventory) -> Sequence[Hold | Refusal]:
            locked = await tx.lock(keys=keys_of(extensions))
            holds = await tx.holds(keys_of(extensions))
            stock = await tx.stock(keeping.asked_by_keys(holds))
            outcomes = keeping.extend(extensions, locked=locked, holds=holds, stock=stock)
            await tx.write(stock.changes)
            return outcomes

        return await self._transact(work)

    async def _release(self, asked: Sequence[GiveBack]) -> Sequence[int]:
        async def work(tx: Inventory) -> Sequence[int]:
            await tx.lock(event_ids={one.event_id for one in asked}, keys=keys_of(asked))
            holds = await tx.holds(keys_of(asked))
            stock = Stock()
            freed = keeping.give_back(asked, holds=holds, stock=stock)
            await tx.write(stock.changes)
            return freed

        freed = await self._transact(work)
        metrics.SEATS_RELEASED.inc(sum(freed))
        return freed

    async def _for_each_sound[A, R](
        self,
        operation: str,
        asked: Sequence[A],
        check: Callable[[A], None],
        work: Callable[[Sequence[A]], Awaitable[Sequence[R | Refusal]]],
    ) -> Sequence[R | Refusal]:
        """The outcomes of those that are in order from `work`, of the others their refusals."""
        if len(asked) > MAX_BATCH:
            raise Invalid(f"requests: must be at most {MAX_BATCH}")
        refusals = [_refusal(check, one) for one in asked]
        sound = [one for one, refusal in zip(asked, refusals, strict=True) if refusal is None]
        metrics.BATCH_SIZE.labels(operation).observe(len(asked))
        outcomes = iter(await work(sound) if sound else ())
        return [next(outcomes) if refusal is None else refusal for refusal in refusals]

    async def _transact[R](self, work: Callable[[Inventory], Awaitable[R]]) -> R:
        """Do it in one transaction, anew when another one raced it, and wake whoever carries facts away."""
        for attempt in range(1, TRIES + 1):
            try:
                async with self._turns.turn(), self._store.transaction() as tx:
                    done = await work(tx)
            except Raced:
                if attempt == TRIES:
                    raise
            else:
                self._wake()
                return done
        raise AssertionError("unreachable")


async def _expire(tx: Inventory, keys: Collection[str]) -> int:
    locked = await tx.lock(keys=keys)
    holds = await tx.holds(keys)
    stock = Stock()
    expired = keeping.let_expire(locked=locked, holds=holds, stock=stock)
    await tx.write(stock.changes)
    return expired


def _refusal[A](check: Callable[[A], None], one: A) -> Refusal | None:
    try:
        check(one)
    except Refusal as refusal:
        return refusal
    return None


def _check_extension(extension: Extension) -> None:
    check_word("key", extension.key)


def _check_give_back(one: GiveBack) -> None:
    check_word("key", one.key)
    if one.event_id:
        check_word("event_id", one.event_id)
