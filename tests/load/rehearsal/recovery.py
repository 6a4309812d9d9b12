"""How long buyers waited after each fault, and what went on while some waited longest, from what their sockets told."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tests.load.rehearsal.chaos import Injected
from tests.load.rehearsal.faults import Kind
from tests.load.sale.verdict import Confirmation


class NextConfirmed:
    """Looks up the first buyer who ordered after a moment and had a booking.

    An order of before may have been confirmed already, with only its message on the way: it would prove nothing.
    """

    def __init__(self, confirmations: Sequence[Confirmation]) -> None:
        by_order = sorted(confirmations, key=lambda one: one.posted_at)
        self._posted_at = [one.posted_at for one in by_order]
        # The earliest confirmation of all orders from each one on.
        self._earliest = list(accumulate((one.told_at for one in reversed(by_order)), min))[::-1]

    def after(self, moment: float) -> float | None:
        """Seconds from that moment on; None when nobody had one."""
        first = bisect_left(self._posted_at, moment)
        return self._earliest[first] - moment if first < len(self._earliest) else None


@dataclass(frozen=True, slots=True)
class Slow:
    """One who waited long for a booking, and what was done to the platform meanwhile."""

    posted_at: float
    took_s: float
    during: Sequence[Injected]


def slowest(faults: Sequence[Injected], confirmations: Sequence[Confirmation], *, most: int) -> Sequence[Slow]:
    """The slowest first. A fault counts if it was going on, or struck, between the order and the word of it."""
    by_wait = sorted(confirmations, key=lambda one: one.posted_at - one.told_at)
    return [
        Slow(
            one.posted_at,
            one.told_at - one.posted_at,
            [fault for fault in faults if fault.struck_at <= one.told_at and fault.ended_at >= one.posted_at],
        )
        for one in by_wait[:most]
    ]


def worst_by_target(faults: Sequence[Injected], confirmations: Sequence[Confirmation]) -> Mapping[str, float | None]:
    """Of every service that was killed, alone or with another; None: nobody had a booking after that."""
    known = NextConfirmed(confirmations)
    worst: dict[str, float | None] = {}
    for one in faults:
        if one.fault.kind is not Kind.KILL:
            continue
        took_s = known.after(one.struck_at)
        for name in one.fault.targets:
            before = worst.get(name, 0.0)
            worst[name] = None if took_s is None or before is None else max(took_s, before)
    return worst
