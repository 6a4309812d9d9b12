"""What happened to a booking, for its buyer and for support; and for how long that is remembered."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from services.booking.ports import Books
from services.booking.refusals import UnknownBooking
from services.booking.timeline import Timeline, timeline
from services.kit.clock import Clock
from services.kit.errors import NotNow

FORGET_EVERY_S: Final = 600.0
# Between two deletions, while there is more.
PAUSE_S: Final = 1.0
FORGOTTEN_AT_ONCE: Final = 5_000
log = structlog.get_logger()


class BookingReads:
    def __init__(self, books: Books) -> None:
        self._books = books

    async def timeline(self, booking_id: str, *, user_id: str) -> Timeline:
        """Refuses `unknown-booking`, also another user's when a user is given."""
        booking = (await self._books.find([booking_id])).get(booking_id)
        if booking is None or (user_id and booking.order.user_id != user_id):
            raise UnknownBooking
        return timeline(booking, *await self._books.told_of(booking_id))


async def forget(books: Books, now: Clock, *, kept: timedelta) -> None:
    """For as long as the process lives: what is older is removed, a little at a time."""
    while True:
        forgotten = 0
        try:
            forgotten = await books.forget(before=now() - kept, limit=FORGOTTEN_AT_ONCE)
        except NotNow as away:
            log.warning("forget_waits", error=str(away))
        await asyncio.sleep(PAUSE_S if forgotten else FORGET_EVERY_S)
