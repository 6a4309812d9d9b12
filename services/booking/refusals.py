"""What a booking is refused for."""

from __future__ import annotations

from typing import Final

from services.kit.errors import Kind, Refusal

# Cards that may be tried for one booking: enough for a buyer, too few for who tries stolen ones.
MAX_ATTEMPTS: Final = 5


class UnknownBooking(Refusal):
    kind, reason = Kind.MISSING, "unknown-booking"

    def __init__(self) -> None:
        super().__init__("no such booking")


class BookingIdReused(Refusal):
    kind, reason = Kind.CONFLICT, "booking-id-reused"

    def __init__(self) -> None:
        super().__init__("that booking id came with another order before")


class NotCancellable(Refusal):
    kind, reason = Kind.CONFLICT, "booking-not-cancellable"

    def __init__(self, status: str) -> None:
        super().__init__(f"a booking that is {status.lower()} can not be cancelled")


class NotPayable(Refusal):
    kind, reason = Kind.CONFLICT, "booking-not-payable"

    def __init__(self) -> None:
        super().__init__("the booking does not wait for a payment any more")


class TooManyCards(Refusal):
    kind, reason = Kind.CONFLICT, "too-many-cards"

    def __init__(self) -> None:
        super().__init__(f"at most {MAX_ATTEMPTS} cards may be tried for one booking")
