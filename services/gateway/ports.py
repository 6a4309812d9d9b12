"""What the handlers need from outside."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from services.gateway.domain import OnSale, Order, Queued
from services.gateway.models.bookings import Booking, Bookings, Timeline

# auth's word, to booking, of the buyer who asks; empty where the mesh asks for none. Raises NotNow.
type Word = Callable[[], Awaitable[str]]


class Queue(Protocol):
    """The line of each event. Every call raises DependencyDown when the store is away."""

    async def place(self, orders: Sequence[Order]) -> Sequence[Queued | Exception]:
        """Put each at the end of its event's line, once for a booking id and once for an idempotency key.

        One outcome an order, in their order: an order that came before is answered by its first booking;
        KeyReused, QueueFull.
        """

    async def find(self, booking_id: str) -> Queued | None:
        """With what the worker recorded, when it ended without the booking service."""

    async def repeated(self, order: Order) -> Queued | None:
        """The booking that the order's idempotency key stands for, if any. Refuses KeyReused."""

    async def cancel(self, booking_id: str, *, user_id: str) -> Queued | None:
        """Mark one that still waits as cancelled; one that ended stays as it ended.

        None when its turn came and nothing was recorded of it, or it is not this user's. Idempotent.
        """


class Catalogue(Protocol):
    async def on_sale(self, event_id: str) -> OnSale:
        """A public event as it was a few seconds ago at most. Refuses UnknownEvent."""


class BookingDesk(Protocol):
    """The booking service. Refuses UnknownBooking, also for another user's."""

    async def get(self, booking_id: str, *, user_id: str) -> Booking: ...

    async def cancel(self, booking_id: str, *, user_id: str) -> Booking:
        """Idempotent. Refuses NotCancellable."""

    async def timeline(self, booking_id: str, *, user_id: str) -> Timeline:
        """What happened to it. Without a user: anybody's, for support."""

    async def pay(self, booking_id: str, payment_method: str, *, user_id: str) -> Booking:
        """Try another card; the booking as that leaves it. Refuses NotPayable, TooManyCards; StillAtWork."""

    async def of_user(self, user_id: str, *, limit: int, cursor: str) -> Bookings: ...
