"""Which state of an event follows which, and what becomes true by it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.event.domain.event import Event, EventCancelled, EventPublished, Status
from services.event.domain.refusals import (
    EventInThePast,
    EventIsCancelled,
    EventNotDraft,
    EventNotPublished,
    EventWithoutSeats,
    SectionWithoutPrice,
)
from services.kit.errors import Refusal
from tests.unit.event.drafts import FLOOR, FULL, NOW, ORGANISER, STALLS, draft, event, venue

LATER = NOW + timedelta(hours=1)


def on_sale() -> Event:
    return event().publish(at=NOW)[0]


def test_a_draft_goes_on_sale_and_says_so_with_its_whole_layout() -> None:
    made = event()

    published, facts = made.publish(at=LATER)

    assert (published.status, published.updated_at) == (Status.PUBLISHED, LATER)
    assert facts == (EventPublished(published),)
    assert published.sections == made.sections
    assert published.tiers == (FULL,)


def test_publishing_twice_is_publishing_once() -> None:
    published = on_sale()

    assert published.publish(at=LATER) == (published, ())


def test_a_cancelled_event_says_so_once_and_never_goes_on_sale_again() -> None:
    cancelled, facts = on_sale().cancel("the singer is ill", at=LATER)

    assert facts == (EventCancelled(cancelled.event_id, "the singer is ill", LATER),)
    assert cancelled.cancel("another reason", at=LATER) == (cancelled, ())
    with pytest.raises(EventIsCancelled):
        cancelled.publish(at=LATER)


def test_a_draft_can_not_be_cancelled() -> None:
    with pytest.raises(EventNotPublished):
        event().cancel("", at=NOW)


@pytest.mark.parametrize("sections", [(), (replace(STALLS, rows=()),)])
def test_an_event_without_places_does_not_go_on_sale(sections) -> None:
    with pytest.raises(EventWithoutSeats):
        event(sections=sections).publish(at=NOW)


def test_an_event_with_an_unpriced_section_does_not_go_on_sale() -> None:
    unpriced = replace(FLOOR, section_id="BOX", tier_id="")

    with pytest.raises(SectionWithoutPrice, match="BOX"):
        event(sections=(STALLS, unpriced)).publish(at=NOW)


def test_an_event_that_is_over_does_not_go_on_sale() -> None:
    made = event()

    with pytest.raises(EventInThePast):
        made.publish(at=made.ends_at)


@pytest.mark.parametrize("state", [Status.PUBLISHED, Status.CANCELLED])
def test_only_a_draft_is_rewritten(state: Status) -> None:
    known = on_sale() if state is Status.PUBLISHED else on_sale().cancel("", at=LATER)[0]

    with pytest.raises(EventNotDraft):
        known.redraft(draft().checked(), venue(), at=LATER)


def test_a_rewritten_draft_keeps_its_name_and_birthday() -> None:
    made = event()

    again = made.redraft(draft(title="Other").checked(), venue().belonging_to(ORGANISER, "v"), at=LATER)

    assert (again.event_id, again.created_at, again.updated_at) == (made.event_id, NOW, LATER)
    assert again.title == "Other"


def test_without_a_layout_of_its_own_it_has_the_venue_s_with_the_tiers_it_knows() -> None:
    elsewhere = replace(FLOOR, section_id="BOX", capacity=4, tier_id="box")

    made = event(sections=(), venue=venue(sections=(STALLS, elsewhere)))

    assert [(one.section_id, one.tier_id) for one in made.sections] == [("STALLS", "full"), ("BOX", "")]
    assert made.capacity == 26
    assert made.venue.sections == ()


def test_a_draft_is_seen_by_its_organiser_only() -> None:
    made = event()

    assert made.visible_to(ORGANISER)
    assert not made.visible_to("")
    assert made.publish(at=NOW)[0].visible_to("")


@given(st.lists(st.sampled_from(["redraft", "publish", "cancel"]), max_size=12))
def test_whatever_is_tried_the_state_only_moves_forward_and_each_fact_is_said_once(verbs: list[str]) -> None:
    order = [Status.DRAFT, Status.PUBLISHED, Status.CANCELLED]
    known, said = event(), []

    for verb in verbs:
        before = known.status
        try:
            if verb == "redraft":
                known = known.redraft(draft().checked(), venue(), at=LATER)
            else:
                known, facts = known.publish(at=NOW) if verb == "publish" else known.cancel("", at=LATER)
                said += [type(fact) for fact in facts]
        except Refusal:
            assert known.status is before
        assert order.index(known.status) - order.index(before) in {0, 1}

    assert said == [EventPublished, EventCancelled][: order.index(known.status)]
