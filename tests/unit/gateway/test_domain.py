"""What an order may ask for, and what it is refused at the door."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain import (
    EventIsCancelled,
    InLine,
    OnSale,
    Order,
    SaleNotOpen,
    TooManyPlaces,
    UnknownSeat,
    UnknownSection,
    checked_key,
    checked_places,
)
from services.kit.errors import Invalid

NOW = datetime(2030, 1, 1, tzinfo=UTC)
EVENT = OnSale(
    event_id="e",
    cancelled=False,
    sale_starts_at=None,
    max_per_booking=4,
    sections=frozenset({"A", "FLOOR"}),
    rows={("A", "1"): 20, ("A", "2"): 9},
)
ORDER = Order(
    booking_id="b",
    user_id="u",
    event_id="e",
    seats=("A-1-20", "A-2-9"),
    areas={"FLOOR": 2},
    payment_method="",
    idempotency_key="",
    digest="",
    traceparent="",
)


def test_an_order_that_fits_is_admitted() -> None:
    EVENT.admit(ORDER, now=NOW)


@pytest.mark.parametrize(
    ("event", "order", "refusal"),
    [
        (replace(EVENT, cancelled=True), ORDER, EventIsCancelled),
        (replace(EVENT, sale_starts_at=NOW + timedelta(seconds=1)), ORDER, SaleNotOpen),
        (EVENT, replace(ORDER, seats=("A-2-10",)), UnknownSeat),
        (EVENT, replace(ORDER, areas={"B": 1}), UnknownSection),
        (EVENT, replace(ORDER, areas={"FLOOR": 3}), TooManyPlaces),
    ],
)
def test_what_can_not_be_served_is_refused(event: OnSale, order: Order, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        event.admit(order, now=NOW)


def test_a_sale_that_opens_now_is_open() -> None:
    replace(EVENT, sale_starts_at=NOW).admit(ORDER, now=NOW)


@pytest.mark.parametrize(
    "seat", ["A-1-0", "A-1-01", "A-1-21", "A-1-", "A-1", "A", "", "-1-1", "A-1-1-1", "A-1-\u00b2", "A-1-\uff11"]
)
def test_only_the_one_way_to_name_a_seat_is_known(seat: str) -> None:
    assert not EVENT.has_seat(seat)


@given(st.text(max_size=30))
def test_no_text_is_too_strange_for_a_seat(text: str) -> None:
    assert EVENT.has_seat(text) in (True, False)


@pytest.mark.parametrize(
    ("seats", "areas", "count"),
    [((), {}, 0), (("A", "A"), {}, 0), ((), {"F": 51}, 1), (("A",), {"F": 50}, 1), ((), {"F": 1}, 2)],
)
def test_an_order_no_event_could_serve_is_invalid(seats: tuple[str, ...], areas: dict[str, int], count: int) -> None:
    with pytest.raises(Invalid):
        checked_places(seats, areas, area_count=count)


@pytest.mark.parametrize("key", ["", " ", "a b", "k\x00", "ü", "k" * 256, "k\n"])
def test_a_key_is_visible_ascii(key: str) -> None:
    with pytest.raises(Invalid):
        checked_key(key)


@pytest.mark.parametrize(
    ("number", "served", "now_serving", "ahead"), [(1, 0, 0, 0), (5, 2, 2, 2), (5, 4, 4, 0), (5, 9, 5, 0)]
)
def test_a_place_in_line_says_how_many_are_before(number: int, served: int, now_serving: int, ahead: int) -> None:
    line = InLine(number, served)

    assert (line.now_serving, line.ahead) == (now_serving, ahead)
