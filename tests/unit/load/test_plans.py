"""A crowd comes again with its seed, and has the shares it was asked for."""

from collections import Counter
from random import Random

import pytest

from tests.load.sale.plans import DECLINED, THREE_D_SECURE, Challenge, House, Manner, Plan, draw_plans
from tests.load.sale.settings import Shares
from tests.load.sale.wire import Event, EventSection, Row

ARENA = Event(
    id="arena",
    max_per_booking=8,
    sections=[
        EventSection(id=f"S{block}", kind="seated", capacity=400, rows=[Row(str(row), 20) for row in range(1, 21)])
        for block in range(1, 21)
    ],
)
CLUB = Event(id="club", max_per_booking=2, sections=[EventSection(id="FLOOR", kind="standing", capacity=500)])
BOTH = House.of([ARENA, CLUB])


def crowd(*, house: House = BOTH, shares: Shares | None = None, buyers: int = 2000, seed: int = 1) -> list[Plan]:
    return list(draw_plans(house, shares or Shares(), buyers=buyers, dice=Random(seed)))


def test_the_same_seed_is_the_same_crowd() -> None:
    assert crowd(seed=3) == crowd(seed=3) != crowd(seed=4)


def test_a_crowd_has_the_shares_it_was_asked_for() -> None:
    plans = crowd(buyers=5000)

    manners = Counter(plan.manner for plan in plans)
    assert manners[Manner.LEAVES] == pytest.approx(200, rel=0.3)
    assert manners[Manner.CANCELS] == pytest.approx(200, rel=0.3)
    assert sum(plan.card == DECLINED for plan in plans) == pytest.approx(300, rel=0.3)
    assert sum(plan.card == THREE_D_SECURE for plan in plans) == pytest.approx(450, rel=0.3)
    assert sum(plan.challenge is Challenge.ABANDON for plan in plans) == pytest.approx(100, rel=0.4)
    assert sum(plan.event_id == "club" for plan in plans) == pytest.approx(1000, rel=0.2)


def test_hot_places_are_wanted_by_several_buyers_each() -> None:
    plans = crowd(shares=Shares(hot=1.0, standing=0.0, best_available=0.0), buyers=500)

    wanted = Counter(seat for plan in plans for seat in plan.seats)
    assert sum(wanted.values()) / len(wanted) > 3
    assert all(seat.startswith("S1-") for seat in wanted)


def test_every_order_is_one_the_event_could_serve() -> None:
    for plan in crowd():
        event = ARENA if plan.event_id == "arena" else CLUB
        sections = {section.id: section for section in event.sections}
        assert 1 <= len(plan.seats) + sum(plan.areas.values()) <= event.max_per_booking
        assert len(set(plan.seats)) == len(plan.seats)
        for seat in plan.seats:
            section, row, number = seat.split("-")
            assert 1 <= int(number) <= next(one.seats for one in sections[section].rows if one.label == row)
        assert plan.areas.keys() <= sections.keys()


@pytest.mark.parametrize("event", [ARENA, CLUB])
def test_one_kind_of_house_is_enough(event: Event) -> None:
    assert {plan.event_id for plan in crowd(house=House.of([event]), buyers=50)} == {event.id}


def test_a_sale_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing is on sale"):
        crowd(house=House.of([]))


@pytest.mark.parametrize("shares", [{"hot": 0.9, "standing": 0.2}, {"declined": -0.1}])
def test_shares_that_are_none_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="shares"):
        Shares(**shares)
