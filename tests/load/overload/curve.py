"""What an overload did: a row for each pace, the promises, and the picture."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.load.overload.crowd import Level

GOODPUT_KEPT: Final = 0.8
# Of the peak's memory.
MEMORY_GROWS: Final = 1.5
# Below the peak all is decided, early or late; whether the platform has recovered, latency tells.
AS_BEFORE: Final = 1.5
AS_BEFORE_S: Final = 0.5
# An accepted order waits for the line before it, and a little.
SLACK_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    offered_per_s: float
    accepted_per_s: float
    put_off_per_s: float
    # Outcomes from the first order to the last of them, drained line and all: they come some hundred at a time, so that
    # a window of some seconds has a batch more or less.
    goodput_per_s: float
    unanswered: int
    without_time: int
    undecided: int
    answer_p99_s: float
    decided_p50_s: float
    decided_p99_s: float
    memory_mb: float
    # From the last outcome until no mail was left to be sent.
    rests_after_s: float
    reasons: str


def point_of(level: Level, *, per_s: float, seconds: float, memory_mb: float, rests_after_s: float) -> Point:
    began, ended = min(level.sent_at.values(), default=0.0), max(level.decided_at, default=0.0)
    return Point(
        offered_per_s=per_s,
        accepted_per_s=level.accepted / seconds,
        put_off_per_s=level.put_off.total() / seconds,
        goodput_per_s=len(level.decided_at) / (ended - began) if level.decided_at else 0.0,
        unanswered=level.offered - level.accepted - level.put_off.total(),
        without_time=level.without_time,
        undecided=level.accepted - len(level.decided_at),
        answer_p99_s=_quantile(level.answered_in_s, 99),
        decided_p50_s=_quantile(level.decided_in_s, 50),
        decided_p99_s=_quantile(level.decided_in_s, 99),
        memory_mb=memory_mb,
        rests_after_s=rests_after_s,
        reasons=", ".join(f"{reason} {count}" for reason, count in level.put_off.most_common()),
    )


def _quantile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else 0.0


def as_table(points: Sequence[Point]) -> str:
    top = ("offered/s", "accepted/s", "put off/s", "decided/s", "202 or 503 p99", "result p50", "p99", "memory")
    rows = [(*top, "at rest after", "")]
    rows += [
        (
            *(f"{one.offered_per_s:.0f}", f"{one.accepted_per_s:.0f}", f"{one.put_off_per_s:.0f}"),
            *(f"{one.goodput_per_s:.0f}", f"{one.answer_p99_s * 1000:.0f} ms"),
            *(f"{one.decided_p50_s:.1f} s", f"{one.decided_p99_s:.1f} s", f"{one.memory_mb:.0f} MB"),
            *(f"{one.rests_after_s:.0f} s", one.reasons),
        )
        for one in points
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join(
        "  ".join(word.rjust(width) for word, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows
    )


def broken_promises(points: Sequence[Point], *, line: int, rests_within_s: float) -> list[str]:
    """Of a climb whose last point is the recovery, at the pace of the first."""
    first, *climb, recovery = points
    peak = max(one.goodput_per_s for one in climb)
    overloaded = climb[-1]
    longest_s = line / (GOODPUT_KEPT * peak) + SLACK_S
    checks = {
        f"goodput at {overloaded.offered_per_s:.0f}/s is {overloaded.goodput_per_s / peak:.0%} of the peak": (
            overloaded.goodput_per_s >= GOODPUT_KEPT * peak
        ),
        f"an accepted order waited {max(one.decided_p99_s for one in points):.1f} s (p99), over {longest_s:.1f} s": all(
            one.decided_p99_s <= longest_s for one in points
        ),
        "orders were not answered": not any(one.unanswered for one in points),
        "accepted orders were not decided": not any(one.undecided for one in points),
        "answers without a time to come back": not any(one.without_time for one in points),
        "memory has grown": max(one.memory_mb for one in points) <= MEMORY_GROWS * first.memory_mb,
        f"work was left for over {rests_within_s:.0f} s": overloaded.rests_after_s < rests_within_s,
        f"afterwards results took {recovery.decided_p99_s:.1f} s (p99), before {first.decided_p99_s:.1f} s": (
            recovery.decided_p99_s <= AS_BEFORE * first.decided_p99_s + AS_BEFORE_S
        ),
        "afterwards orders were put off": recovery.put_off_per_s <= first.put_off_per_s,
    }
    return [promise for promise, holds in checks.items() if not holds]


def draw(points: Sequence[Point], path: Path) -> None:
    """The curve without the recovery, as a PNG."""
    # Imported here: nothing else draws.
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    climb = points[:-1]
    paces = [one.offered_per_s for one in climb]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    left.plot(paces, [one.goodput_per_s for one in climb], "o-", label="decided")
    left.plot(paces, [one.put_off_per_s for one in climb], "s--", color="tab:gray", label="put off (503, Retry-After)")
    left.axhline(GOODPUT_KEPT * max(one.goodput_per_s for one in climb), color="tab:red", lw=0.8, label="80 % of peak")
    left.set(xlabel="orders offered a second", ylabel="a second", title="Goodput", ylim=(0, None))
    left.legend()
    right.plot(paces, [one.decided_p50_s for one in climb], "o-", label="POST to result, p50")
    right.plot(paces, [one.decided_p99_s for one in climb], "o-", label="POST to result, p99")
    right.plot(paces, [one.answer_p99_s for one in climb], "s--", color="tab:gray", label="POST to 202 or 503, p99")
    right.set(xlabel="orders offered a second", ylabel="seconds", title="Latency of accepted orders", ylim=(0, None))
    right.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
