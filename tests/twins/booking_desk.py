"""The booking service as the gateway's handlers see it, in memory."""

from services.gateway.domain import NotCancellable, NotPayable, UnknownBooking
from services.gateway.models.bookings import Booking, Bookings, Timeline, TimelineEntry


class MemoryDesk:
    def __init__(self) -> None:
        # (booking, user) → what the desk knows.
        self.known: dict[tuple[str, str], Booking] = {}

    async def get(self, booking_id: str, *, user_id: str) -> Booking:
        if (booking_id, user_id) not in self.known:
            raise UnknownBooking
        return self.known[booking_id, user_id]

    async def cancel(self, booking_id: str, *, user_id: str) -> Booking:
        found = await self.get(booking_id, user_id=user_id)
        if found.status in {"pending", "rejected"}:
            raise NotCancellable
        cancelled = Booking(id=found.id, event_id=found.event_id, status="cancelled", reason="cancelled-by-buyer")
        self.known[booking_id, user_id] = cancelled
        return cancelled

    async def timeline(self, booking_id: str, *, user_id: str) -> Timeline:
        for (known, owner), booking in self.known.items():
            if known == booking_id and user_id in {"", owner}:
                entry = TimelineEntry(at=None, code="confirmed", sentence="Told by the desk.")
                return Timeline(booking_id=known, status=booking.status, trace_id=None, entries=[entry])
        raise UnknownBooking

    async def pay(self, booking_id: str, payment_method: str, *, user_id: str) -> Booking:
        found = await self.get(booking_id, user_id=user_id)
        if found.status not in {"awaiting_payment", "confirmed"}:
            raise NotPayable
        paid = Booking(id=found.id, event_id=found.event_id, status="confirmed")
        self.known[booking_id, user_id] = paid
        return paid

    async def of_user(self, user_id: str, *, limit: int, cursor: str) -> Bookings:
        return Bookings([booking for (_, owner), booking in self.known.items() if owner == user_id][:limit], None)
