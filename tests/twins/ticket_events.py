"""Halls to sell in tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from services.kit.ids import new_id
from services.kit.money import Money
from services.ticket.domain.event import Event, Layout, Row, Section, SectionKind, Tier
from services.ticket.domain.hold import Order, Quantity

USER = "018f0000-0000-7000-8000-000000000001"
SEAT = Tier("seat", "Seat", Money(5000, "EUR"))
FLOOR = Tier("floor", "Floor", Money(3000, "EUR"))


def hall(
    *,
    rows: Mapping[str, int],
    standing: int = 0,
    max_per_booking: int = 10,
    sale_starts_at: datetime | None = None,
    event_id: str = "",
) -> Layout:
    """Section A with those rows (label → seats), and section FLOOR where people stand."""
    seated = Section(
        section_id="A",
        name="Section A",
        kind=SectionKind.SEATED,
        tier_id="seat",
        price=SEAT.price,
        capacity=sum(rows.values()),
    )
    floor = Section(
        section_id="FLOOR",
        name="Floor",
        kind=SectionKind.STANDING,
        tier_id="floor",
        price=FLOOR.price,
        capacity=standing,
    )
    event = Event(
        event_id=event_id or new_id(),
        sections={"A": seated, "FLOOR": floor},
        tiers=(SEAT, FLOOR),
        max_per_booking=max_per_booking,
        sale_starts_at=sale_starts_at,
    )
    return Layout(event, {"A": tuple(Row(label, seats) for label, seats in rows.items())})


def order(layout: Layout, *seat_ids: str, user_id: str = USER, key: str = "", **quantities: int) -> Order:
    """Named seats, and places by number: `order(hall, "A-1-1", FLOOR=2)`."""
    return Order(
        key=key or new_id(),
        event_id=layout.event.event_id,
        user_id=user_id,
        seat_ids=seat_ids,
        quantities=tuple(Quantity(section_id, count) for section_id, count in quantities.items()),
    )
