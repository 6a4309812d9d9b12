"""What others ask of many payments without changing them."""

from collections.abc import Sequence
from typing import Final

from services.kit.errors import Invalid
from services.kit.paging import Page, from_token, to_token
from services.payment.domain import Payment
from services.payment.ports import Books

MOST_BOOKINGS: Final = 500
PAGE: Final = 500
MOST_PAGE: Final = 1_000


class PaymentReads:
    def __init__(self, books: Books) -> None:
        self._books = books

    async def of_bookings(self, booking_ids: Sequence[str]) -> Page[Payment]:
        """Those of the bookings that took money, gave it back, or still may."""
        if len(booking_ids) > MOST_BOOKINGS:
            raise Invalid(f"booking_ids: must be at most {MOST_BOOKINGS}")
        return Page(await self._books.of_bookings(booking_ids), "")

    async def between(self, after: str, until: str, *, size: int, token: str) -> Page[Payment]:
        """The same for a range of bookings, a page at a time."""
        if not 0 <= size <= MOST_PAGE:
            raise Invalid(f"page_size: must be 1 to {MOST_PAGE}, or 0 for {PAGE}")
        limit = size or PAGE
        # Any payment of `after` itself is before this.
        position = from_token(token, tuple[str, str]) if token else (after, "~")
        found = await self._books.in_range(position, until, limit=limit)
        more = to_token(found[-1].booking_id, found[-1].payment_id) if len(found) == limit else ""
        return Page(found, more)
