"""Conditions by kstatus' rules: exactly one of ready, on its way and stuck; times that change with the truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ticketing_operator.status import Condition, Verdict, conditions, read_status, transitions

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def told(state: str, reason: str = "Because", **more: object) -> Verdict:
    return Verdict(state=state, reason=reason, message="a sentence", **more)


def by_type(found: list[Condition]) -> dict[str, str]:
    return {condition.type: condition.status for condition in found}


@pytest.mark.parametrize(
    ("state", "ready", "reconciling", "stalled"),
    [("ready", "True", "False", "False"), ("working", "False", "True", "False"), ("stalled", "False", "False", "True")],
)
def test_a_platform_is_ready_or_on_its_way_or_stuck(state: str, ready: str, reconciling: str, stalled: str) -> None:
    found = by_type(conditions(told(state), [], generation=3, now=NOW))

    assert found == {"Ready": ready, "Reconciling": reconciling, "Stalled": stalled, "Paused": "False"}


def test_every_condition_says_which_generation_it_is_about_and_has_a_reason() -> None:
    for condition in conditions(told("working"), [], generation=3, now=NOW):
        assert condition.observed_generation == 3
        assert condition.reason


def test_a_time_stays_while_the_truth_does() -> None:
    first = conditions(told("working", "One"), [], generation=1, now=NOW)
    second = conditions(told("working", "Two"), first, generation=2, now=NOW + timedelta(hours=1))
    third = conditions(told("ready"), second, generation=2, now=NOW + timedelta(hours=2))

    assert second[0].last_transition_time == first[0].last_transition_time
    assert third[0].last_transition_time != second[0].last_transition_time


def test_an_event_is_for_a_turn_and_not_for_another_sentence() -> None:
    first = conditions(told("working", "Migrating"), [], generation=1, now=NOW)
    same = conditions(Verdict(state="working", reason="Migrating", message="another"), first, generation=1, now=NOW)
    turned = conditions(told("ready", "Running"), same, generation=1, now=NOW)

    assert [one.reason for one in transitions([], first)] == ["Migrating"]
    assert transitions(first, same) == []
    assert [one.reason for one in transitions(same, turned)] == ["Running"]


def test_a_status_that_is_not_ours_counts_as_nothing() -> None:
    assert read_status({"conditions": "broken"}) == read_status(None)
