"""What a caller may be told no for."""

from collections.abc import Iterable

from services.kit.errors import Kind, Refusal


class UnknownEvent(Refusal):
    kind, reason = Kind.MISSING, "unknown-event"

    def __init__(self) -> None:
        super().__init__("no such event is on sale")


class UnknownSection(Refusal):
    kind, reason = Kind.MISSING, "unknown-section"

    def __init__(self) -> None:
        super().__init__("the event has no such section")


class EventCancelled(Refusal):
    kind, reason = Kind.CONFLICT, "event-cancelled"

    def __init__(self) -> None:
        super().__init__("the event was cancelled")


class SaleNotOpen(Refusal):
    kind, reason = Kind.CONFLICT, "sale-not-open"

    def __init__(self) -> None:
        super().__init__("the sale of this event has not begun")


class TooManyPlaces(Refusal):
    kind, reason = Kind.INVALID, "too-many-places"

    def __init__(self, most: int) -> None:
        super().__init__(f"a booking of this event holds at most {most} places")


class UnknownSeat(Refusal):
    """Also said of a section: a place there is one that the event does not have."""

    kind, reason = Kind.INVALID, "unknown-seat"

    def __init__(self, what: str) -> None:
        super().__init__(f"the event has no such place: {what}")


class SeatTaken(Refusal):
    kind, reason = Kind.CONFLICT, "seat-taken"

    def __init__(self, seat_ids: Iterable[str]) -> None:
        super().__init__(f"already held or sold: {', '.join(seat_ids)}")


class SoldOut(Refusal):
    kind, reason = Kind.CONFLICT, "sold-out"

    def __init__(self, section_id: str) -> None:
        super().__init__(f"not enough free places in section {section_id}")


class KeyReused(Refusal):
    kind, reason = Kind.CONFLICT, "key-reused"

    def __init__(self) -> None:
        super().__init__("this key was used for other places")


class UnknownHold(Refusal):
    kind, reason = Kind.MISSING, "unknown-hold"

    def __init__(self) -> None:
        super().__init__("no hold of that key")


class HoldReleased(Refusal):
    kind, reason = Kind.CONFLICT, "hold-released"

    def __init__(self) -> None:
        super().__init__("what this key held was given back")


class HoldExpired(Refusal):
    kind, reason = Kind.CONFLICT, "hold-expired"

    def __init__(self) -> None:
        super().__init__("the hold expired and a place of it went to somebody else")
