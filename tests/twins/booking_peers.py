"""Seats and money in memory: what the saga may expect of ticket and payment, promises of idempotency included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.booking.domain import Booking, NextAction, Order, Place, Ticket
from services.booking.saga import Charge, Held
from services.kit.errors import DependencyDown, Kind, PeerRefused
from services.kit.money import Money

PRICE = Money(5000, "EUR")


def refused(reason: str) -> PeerRefused:
    return PeerRefused(Kind.CONFLICT, reason, reason)


class MemoryTickets:
    """Seats by key; a key that was released stays released."""

    def __init__(self) -> None:
        self.held: dict[str, frozenset[str]] = {}
        self.sold: dict[str, frozenset[str]] = {}
        self.released: set[str] = set()
        self.expires: dict[str, datetime] = {}

    async def reserve(self, order: Order, *, key: str) -> Held:
        if key in self.released:
            raise refused("hold-released")
        if key not in self.held and key not in self.sold:
            if self._busy() & set(order.seat_ids):
                raise refused("seat-taken")
            self.held[key] = frozenset(order.seat_ids)
        places = tuple(_place(seat) for seat in order.seat_ids)
        return Held(places, Money(PRICE.minor * len(places), PRICE.currency))

    async def release(self, event_id: str, *, key: str) -> None:
        self.released.add(key)
        self.held.pop(key, None)
        self.sold.pop(key, None)

    async def extend(self, *, key: str, until: datetime) -> None:
        self.expires[key] = until

    async def confirm(self, order: Order, *, key: str) -> Sequence[Ticket]:
        if key in self.released:
            raise refused("hold-released")
        if key in self.held:
            self.sold[key] = self.held.pop(key)
        if key not in self.sold:
            raise refused("unknown-hold")
        return [Ticket(ticket_id=f"{key}/{seat}", place=_place(seat), qr_payload=seat) for seat in order.seat_ids]

    def _busy(self) -> set[str]:
        return {seat for seats in [*self.held.values(), *self.sold.values()] for seat in seats}


class MemoryPayments:
    """Money by key. `declines` and `asks` name payment methods that are declined, or need their buyer."""

    def __init__(self) -> None:
        self.charged: dict[str, Money] = {}
        # Nobody answers.
        self.away = False
        self.waiting: set[str] = set()
        self.cancelled: set[str] = set()
        self.declines = {"pm_declined"}
        self.asks = {"pm_3ds", ""}

    async def charge(self, booking: Booking, *, key: str) -> Charge:
        if self.away:
            raise DependencyDown("payment")
        if key in self.cancelled:
            raise refused("payment-cancelled")
        if key in self.charged:
            return Charge(key)
        method = booking.card
        if method in self.declines:
            raise refused("card-declined")
        if method in self.asks:
            self.waiting.add(key)
            return Charge(key, NextAction(type="redirect", url="https://psp.example/3ds"))
        assert booking.total is not None
        self.charged[key] = booking.total
        return Charge(key)

    async def waits(self, *, key: str) -> bool:
        return key in self.waiting

    async def close(self, *, key: str, attempt: int) -> Charge:
        if key in self.charged:
            return Charge(key)
        self.waiting.discard(key)
        raise refused("payment-expired")

    async def cancel(self, *, key: str, attempt: int) -> None:
        self.cancelled.add(key)
        self.waiting.discard(key)
        self.charged.pop(key, None)

    def buyer_pays(self, key: str) -> None:
        """The buyer passed 3-D Secure."""
        self.waiting.discard(key)
        self.charged[key] = PRICE


def _place(seat: str) -> Place:
    return Place(seat_id=seat, section_id=seat[0], label=f"Seat {seat}", price=PRICE)
