"""A sale in memory: two processes of booking with their jobs, ticket, payment, the PSP and the bus, on virtual time.

Everything that decides is the real thing, from booking's clients to the ticket and payment services behind their
servicers. Only the stores and the PSP are twins, and those pass the contract suites.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from services.booking.clients import PaymentClient, TicketClient
from services.booking.conductor import Conductor
from services.booking.consumer import FactsConsumer
from services.booking.domain import Booking, Order, Status
from services.booking.handlers import BookingHandlers
from services.booking.saga import Peers
from services.booking.timeline import Heard
from services.kit.bus.facts import Fact
from services.kit.errors import NotNow
from services.kit.ids import new_id
from services.payment.domain import Payment, PspEvent
from services.payment.domain import Status as PaymentStatus
from services.payment.facts import outgoing
from services.payment.handlers import PaymentHandlers
from services.payment.ledger import Ledger
from services.payment.servicer import PaymentServicer
from services.payment.settling import Settling
from services.ticket.servicer import TicketServicer
from tests.twins.booking_store import Rows
from tests.twins.payment_store import MemoryPaymentStore
from tests.twins.saga_stores import FaultyPsp, WatchedStore
from tests.twins.saga_wire import LONG_S, Faults, Process, WiredPeer
from tests.twins.ticket_events import hall
from tests.twins.ticket_shop import Shop
from tests.twins.ticket_store import MemoryTicketStore
from tests.twins.virtual_time import wait_until

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
WINDOW = timedelta(seconds=60)
RESTART_S = 3.0
DECIDED = frozenset({Status.CONFIRMED, Status.REJECTED, Status.CANCELLED})
SEATS = 4
# Longer than a message is delayed, or a process frozen.
CALM_S = LONG_S + 15.0


class EarOfMemory:
    """What booking heard of payments, each once."""

    def __init__(self) -> None:
        self.facts: dict[str, Heard] = {}

    async def hear(self, heard: Sequence[Heard]) -> None:
        self.facts |= {one.fact_id: one for one in heard}


class Desk:
    """A life of a booking process with its jobs."""

    def __init__(self, world: World, name: str) -> None:
        self.process = Process(name)
        store = WatchedStore(world.rows, self.process, world.faults)
        ticket = WiredPeer("ticket", world.ticket, self.process, world.faults)
        payment = WiredPeer("payment", world.payment, self.process, world.faults)
        peers = Peers(TicketClient(ticket), PaymentClient(payment), world.now, WINDOW)
        conductor = Conductor(store, peers, committed=lambda: None, max_running=100)
        self.handlers = BookingHandlers(store, conductor, peers.payments, world.now)
        self.consumer = FactsConsumer(self.handlers, world.heard)
        jobs = (conductor.take_up, conductor.renew, self.handlers.watch_unpaid)
        self.jobs = [asyncio.ensure_future(job()) for job in jobs]

    def stop(self) -> None:
        for job in self.jobs:
            job.cancel()


class World:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows = Rows(now=self.now)
        self.inventory = MemoryTicketStore()
        self.shop = Shop(self.inventory)
        self.ticket = TicketServicer(self.shop.handlers, None, None)
        self.psp, self.payment_store = FaultyPsp(self.faults), MemoryPaymentStore()
        ledger = Ledger(self.payment_store, self.psp, self.now, lambda: None)
        payments = PaymentHandlers(self.payment_store, ledger, self.now, provider="memory")
        self.payment = PaymentServicer(payments, None, None)
        self.heard = EarOfMemory()
        self.settling = Settling(self.payment_store, ledger, self.psp, self, self.now)
        self.told: list[tuple[str, PaymentStatus]] = []
        self.event_id = ""
        self.desks: dict[str, Desk] = {}
        self._lives = Counter[str]()
        self._facts_told = 0

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    async def payment_changed(self, payment: Payment) -> None:
        self.told.append((payment.booking_id, payment.status))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[World]:
        layout = await self.shop.open(hall(rows={"1": SEATS}))
        self.event_id = layout.event.event_id
        jobs = [asyncio.ensure_future(job()) for job in (self._keep_alive, self._bus, self._settle, self._sweep)]
        try:
            yield self
        finally:
            for job in jobs:
                job.cancel()
            for desk in self.desks.values():
                desk.stop()

    # What goes on by itself.

    async def _keep_alive(self) -> None:
        while True:
            for name in ("one", "two"):
                desk = self.desks.get(name)
                if desk is None or not desk.process.alive:
                    if desk is not None:
                        desk.stop()
                        await asyncio.sleep(RESTART_S)
                    self._lives[name] += 1
                    self.desks[name] = Desk(self, f"{name}/{self._lives[name]}")
            await asyncio.sleep(1.0)

    async def _bus(self) -> None:
        """Facts of payment reach booking in their order, and each of them twice."""
        while True:
            await asyncio.sleep(0.5)
            changes = self.payment_store.state.published
            if len(changes) == self._facts_told:
                continue
            fresh = [fact for change in changes[self._facts_told :] if (fact := outgoing(change))]
            told = len(changes)
            try:
                for _ in range(2):
                    await (await self.desk()).consumer.handle([_fact(one, self.now()) for one in fresh])
            except NotNow:
                continue
            self._facts_told = told

    async def _settle(self) -> None:
        while True:
            await self.settling.settle_events()
            await self.settling.settle_abandoned()
            await asyncio.sleep(3.0)

    async def _sweep(self) -> None:
        while True:
            self.inventory.now = self.now()
            await self.shop.handlers.expire_holds()
            await asyncio.sleep(3.0)

    async def desk(self) -> Desk:
        """One that lives."""
        while True:
            for desk in self.desks.values():
                if desk.process.alive and desk.process.frozen_until <= asyncio.get_running_loop().time():
                    return desk
            await asyncio.sleep(0.1)

    # What buyers, the bank and organisers do.

    async def order(self, seat: int = 1, *, card: str = "pm_card_visa", user_id: str = "u1") -> Booking:
        """As booking-worker does: sent again by its id until it is decided."""
        order = Order(
            booking_id=new_id(),
            user_id=user_id,
            event_id=self.event_id,
            seat_ids=(f"A-1-{seat}",),
            payment_method=card,
        )
        while True:
            desk = await self.desk()
            try:
                async with asyncio.timeout(10):
                    return await desk.handlers.create(order)
            except (NotNow, TimeoutError):
                await asyncio.sleep(0.5)

    async def ask(self, what: str, *words: Any, **more: Any) -> Any:
        """A method of the handlers, again while nobody knows."""
        for _ in range(20):
            try:
                async with asyncio.timeout(10):
                    return await getattr((await self.desk()).handlers, what)(*words, **more)
            except (NotNow, TimeoutError):
                await asyncio.sleep(0.5)
        raise AssertionError(f"{what} got no answer")

    async def bank(self, booking_id: str, *, approved: bool, which: int = 0) -> None:
        """The buyer at the bank's page, and the webhook of it, twice.

        Nobody fails a charge that is not waiting; one that is over may be captured all the same.
        """
        intent = [one for one in self.psp.state.values() if one.booking_id == booking_id][which]
        if not approved and intent.status is not PaymentStatus.REQUIRES_ACTION:
            return
        self.psp.authenticate(intent.ref, approved=approved)
        for _ in range(2):
            await self.settling.received(PspEvent(new_id(), intent.ref, intent.payment_id))

    async def cancel_event(self, *, booking_after_s: float = 0.0, ticket_after_s: float = 10.0) -> None:
        """Each service learns of it in its own time, and more than once."""

        async def booking_learns() -> None:
            await asyncio.sleep(booking_after_s)
            for _ in range(2):
                await self.ask("event_cancelled", self.event_id)

        async def ticket_learns() -> None:
            await asyncio.sleep(ticket_after_s)
            fact_id = new_id()
            for _ in range(2):
                await self.shop.handlers.events_changed({}, {fact_id: self.event_id})

        await asyncio.gather(booking_learns(), ticket_learns())

    def booking(self, booking_id: str) -> Booking:
        return self.rows.progresses[booking_id].booking

    async def until(self, booking_id: str, *statuses: Status, within_s: float = 600) -> Booking:
        await wait_until(lambda: self.booking(booking_id).status in statuses, within_s=within_s)
        return self.booking(booking_id)

    async def settle(self) -> None:
        """Until everything is decided, and late messages have come."""
        await wait_until(lambda: all(one.booking.status in DECIDED for one in self.rows.progresses.values()))
        await asyncio.sleep(CALM_S)
        await wait_until(lambda: not any(one.late for one in self.payment_store.state.payments), every_s=CALM_S)

    def seat_states(self) -> Mapping[str, str]:
        return {seat_id: state for (_, seat_id), (state, _) in self.inventory.state.seats.items()}

    def valid_tickets(self) -> Iterator[tuple[str, str]]:
        """Booking and seat of each."""
        state = self.inventory.state
        for key, tickets in state.issued.items():
            if key not in state.void:
                yield from ((ticket.booking_id, ticket.place.seat_id) for ticket in tickets)


def _fact(one: Any, at: datetime) -> Fact:
    return Fact(
        id=new_id(),
        topic=one.topic,
        key=one.key,
        type=one.body.DESCRIPTOR.full_name,
        body=one.body.SerializeToString(),
        time=at,
    )
