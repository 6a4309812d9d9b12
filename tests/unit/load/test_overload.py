"""The curve of an overload: what a pace comes to, and which promises it breaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.load.overload.crowd import Level
from tests.load.overload.curve import Point, as_table, broken_promises, draw, point_of

CALM = Point(
    offered_per_s=100,
    accepted_per_s=100,
    put_off_per_s=0,
    goodput_per_s=100,
    unanswered=0,
    without_time=0,
    undecided=0,
    answer_p99_s=0.02,
    decided_p50_s=0.2,
    decided_p99_s=0.4,
    memory_mb=900,
    rests_after_s=1.0,
    reasons="",
)
PEAK = replace(CALM, offered_per_s=200, goodput_per_s=200)
OVERLOADED = replace(PEAK, offered_per_s=1000, put_off_per_s=800, goodput_per_s=180, decided_p99_s=9.0, memory_mb=1000)
CURVE = [CALM, PEAK, OVERLOADED, CALM]


def test_a_platform_that_puts_off_what_is_too_much_keeps_its_promises() -> None:
    assert broken_promises(CURVE, line=1000, rests_within_s=60.0) == []


@pytest.mark.parametrize(
    ("where", "changed", "told"),
    [
        (2, {"goodput_per_s": 150.0}, "75% of the peak"),
        (2, {"decided_p99_s": 60.0}, "waited 60.0 s"),
        (2, {"unanswered": 1}, "not answered"),
        (2, {"undecided": 1}, "not decided"),
        (2, {"without_time": 1}, "without a time"),
        (2, {"memory_mb": 2000.0}, "memory"),
        (2, {"rests_after_s": 60.5}, "work was left for over 60 s"),
        (3, {"decided_p99_s": 1.2}, "afterwards results took 1.2 s (p99), before 0.4 s"),
        (3, {"put_off_per_s": 1.0}, "afterwards orders were put off"),
    ],
)
def test_each_promise_is_missed_when_it_is_broken(where: int, changed: dict[str, float], told: str) -> None:
    curve = list(CURVE)
    curve[where] = replace(curve[where], **changed)

    (broken,) = broken_promises(curve, line=1000, rests_within_s=60.0)

    assert told in broken


def test_goodput_is_from_the_first_order_to_the_last_outcome() -> None:
    level = Level(offered=10, accepted=4, answered_in_s=[0.01] * 8)
    level.put_off.update({"503 queue-full": 5})
    level.sent_at = {"a": 100.0, "b": 100.5, "c": 101.0, "d": 101.5}
    level.decided_at, level.decided_in_s = [100.2, 101.5, 103.0], [0.2, 1.0, 2.0]

    point = point_of(level, per_s=5.0, seconds=2.0, memory_mb=10.0, rests_after_s=1.0)

    assert point.goodput_per_s == 1.0  # three in three seconds
    assert (point.accepted_per_s, point.put_off_per_s) == (2.0, 2.5)
    assert (point.unanswered, point.undecided) == (1, 1)
    assert point.reasons == "503 queue-full 5"


def test_the_curve_is_a_table_and_a_picture(tmp_path: Path) -> None:
    draw(CURVE, tmp_path / "curve.png")

    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert len(as_table(CURVE).splitlines()) == 5
