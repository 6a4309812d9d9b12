"""What a draft and a venue may hold."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.event.domain.layout import PriceTier, Row, Section, SectionKind, capacity_of, checked_sections
from services.kit.errors import Invalid
from services.kit.money import Money
from tests.unit.event.drafts import FLOOR, FULL, NOW, STALLS, draft, venue


def seated(*rows: Row) -> Section:
    return replace(STALLS, rows=rows)


def standing(number: int, capacity: int) -> Section:
    return replace(FLOOR, section_id=f"F{number}", capacity=capacity)


def test_the_capacity_of_a_seated_section_is_its_seats_whatever_was_given() -> None:
    checked = draft(sections=(replace(STALLS, capacity=-7),)).checked()

    assert checked.sections[0].capacity == 22


def test_the_default_is_ten_places_a_booking() -> None:
    assert draft(max_per_booking=0).checked().max_per_booking == 10


def test_free_places_and_a_draft_without_prices_are_fine() -> None:
    draft(tiers=(replace(FULL, price=Money(0, "EUR")),)).checked()
    draft(sections=(replace(FLOOR, tier_id=""),), tiers=()).checked()


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("title", {"title": ""}),
        ("title", {"title": " \t"}),
        ("title", {"title": "x" * 201}),
        ("title", {"title": "a\x00b"}),
        ("title", {"title": "Subject\r\nBcc: all"}),
        ("title", {"title": "\ud800"}),
        ("description", {"description": "x" * 20_001}),
        ("description", {"description": "a\x00b"}),
        ("category", {"category": "x" * 51}),
        ("starts_at", {"starts_at": datetime(2030, 1, 1)}),
        ("starts_at", {"starts_at": NOW.replace(year=1970)}),
        ("ends_at", {"ends_at": NOW.replace(year=9999)}),
        ("ends_at", {"ends_at": NOW + timedelta(days=30)}),
        ("sale_starts_at", {"sale_starts_at": NOW + timedelta(days=30, hours=3)}),
        ("max_per_booking", {"max_per_booking": 51}),
        ("max_per_booking", {"max_per_booking": -1}),
        ("venue_id", {"venue": None}),
        ("venue_id", {"venue": venue(), "venue_id": "also"}),
        ("sections", {"sections": (STALLS, STALLS)}),
        ("sections", {"sections": tuple(standing(n, 1) for n in range(201))}),
        ("sections", {"sections": (standing(1, 200_000), standing(2, 1))}),
        (r"sections\[0\].section_id", {"sections": (replace(FLOOR, section_id="a-b"),)}),
        (r"sections\[0\].section_id", {"sections": (replace(FLOOR, section_id="A" * 21),)}),
        (r"sections\[0\].section_id", {"sections": (replace(FLOOR, section_id="A\n"),)}),
        (r"sections\[0\].name", {"sections": (replace(FLOOR, name=""),)}),
        (r"sections\[0\].tier_id", {"sections": (replace(FLOOR, tier_id="none"),)}),
        (r"sections\[0\].tier_id", {"sections": (replace(FLOOR, tier_id="\x00"),)}),
        (r"sections\[0\].capacity", {"sections": (replace(FLOOR, capacity=-1),)}),
        (r"sections\[0\].capacity", {"sections": (replace(FLOOR, capacity=2**31 - 1),)}),
        (r"sections\[0\].rows", {"sections": (replace(FLOOR, rows=(Row("A", 1),)),)}),
        (r"sections\[0\].rows", {"sections": (seated(Row("A", 1), Row("A", 2)),)}),
        (r"sections\[0\].rows", {"sections": (seated(*(Row(str(n), 1) for n in range(501))),)}),
        (r"sections\[0\].rows\[1\].label", {"sections": (seated(Row("A", 1), Row("A-1", 1)),)}),
        (r"sections\[0\].rows\[0\].label", {"sections": (seated(Row("Ä", 1)),)}),
        (r"sections\[0\].rows\[0\].seat_count", {"sections": (seated(Row("A", 0)),)}),
        (r"sections\[0\].rows\[0\].seat_count", {"sections": (seated(Row("A", 1_001)),)}),
        ("tiers", {"tiers": (FULL, FULL)}),
        ("tiers", {"tiers": (FULL, PriceTier("half", "Half", Money(1, "USD")))}),
        ("tiers", {"tiers": tuple(replace(FULL, tier_id=f"t{n}") for n in range(51))}),
        (r"tiers\[0\].price.minor", {"tiers": (replace(FULL, price=Money(-1, "EUR")),)}),
        (r"tiers\[0\].price.minor", {"tiers": (replace(FULL, price=Money(10_000_001, "EUR")),)}),
        ("currency", {"tiers": (replace(FULL, price=Money(1, "euro")),)}),
        ("venue.name", {"venue": venue(name="")}),
        ("venue.address", {"venue": venue(address="x\x00")}),
        ("venue.city", {"venue": venue(city=" ")}),
        ("venue.country", {"venue": venue(country="de")}),
        ("venue.timezone", {"venue": venue(timezone="Europe")}),
        ("venue.timezone", {"venue": venue(timezone="../../etc/passwd")}),
        ("venue.timezone", {"venue": venue(timezone="Mars/Olympus")}),
        ("venue.sections", {"venue": venue(sections=(STALLS, STALLS))}),
    ],
)
def test_a_draft_that_breaks_a_rule_is_refused_by_the_name_of_the_field(field: str, changed: dict[str, object]) -> None:
    with pytest.raises(Invalid, match=rf"^{field}:"):
        draft(**changed).checked()


def test_so_many_rows_that_the_fact_would_not_fit_are_refused() -> None:
    rows = tuple(Row(str(number), 2) for number in range(500))
    sections = tuple(replace(STALLS, section_id=f"S{number}", rows=rows) for number in range(41))

    with pytest.raises(Invalid, match="20000 rows"):
        checked_sections(sections)


SECTIONS = st.builds(
    Section,
    section_id=st.text(max_size=4),
    name=st.text(max_size=4),
    kind=st.sampled_from(SectionKind),
    rows=st.lists(st.builds(Row, st.text(max_size=6), st.integers(-2, 1_200)), max_size=4).map(tuple),
    capacity=st.integers(-(2**31), 2**31 - 1),
    tier_id=st.text(max_size=3),
)


@given(st.lists(SECTIONS, max_size=4))
def test_a_layout_is_refused_or_its_capacity_is_true(sections: list[Section]) -> None:
    try:
        checked = checked_sections(sections)
    except Invalid:
        return

    seats = sum(row.seat_count for section in checked for row in section.rows)
    places = sum(section.capacity for section in checked if section.kind is SectionKind.STANDING)
    assert capacity_of(checked) == seats + places <= 200_000
    assert checked_sections(checked) == checked
