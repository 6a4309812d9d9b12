"""A desk to book at: what all its processes share, on a clock of the test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from services.booking.conductor import Conductor
from services.booking.domain import Order
from services.booking.handlers import BookingHandlers
from services.booking.saga import Peers
from services.kit.ids import new_id
from tests.twins.booking_peers import MemoryPayments, MemoryTickets
from tests.twins.booking_store import MemoryBookingStore, Rows


class World:
    """What all processes share: the rows, the seats, the money, and the time."""

    def __init__(self) -> None:
        self.at = datetime(2030, 1, 1, tzinfo=UTC)
        self.rows = Rows(now=lambda: self.at)
        self.tickets, self.payments = MemoryTickets(), MemoryPayments()
        self.peers = Peers(self.tickets, self.payments, lambda: self.at, timedelta(minutes=10))

    def process(self, me: str = "one/1") -> tuple[BookingHandlers, Conductor]:
        store = MemoryBookingStore(self.rows, me=me)
        conductor = Conductor(store, self.peers, committed=lambda: None, max_running=1000)
        return BookingHandlers(store, conductor, self.payments, lambda: self.at), conductor


def order(*seats: str, **changed: object) -> Order:
    fields = {"booking_id": new_id(), "user_id": "u1", "event_id": "e1", "seat_ids": seats or ("A-1-1",)}
    return Order(**(fields | {"payment_method": "pm_card_visa"} | changed))


@asynccontextmanager
async def at_work(job: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    task = asyncio.create_task(job())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
