"""Which fault comes when: drawn from the seed, so that the same bad day comes again.

Forty faults are one deck: every service killed in turn and once more with another, every store in every way, and so on.
A shorter schedule has something of every family, a longer one begins the deck anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, cycle, islice, zip_longest
from random import Random
from typing import Final

from services.kit.topology import topology
from tests.load.rehearsal.faults import Fault, Kind

SERVICES: Final = tuple(row.name for row in topology().python_services)
# Those whose pause is most likely to be taken for a death by somebody with a lease.
FREEZABLE: Final = ("booking-worker", "booking", "ticket", "payment", "realtime")
WORKERS: Final = ("booking-worker", "email-worker")
WITH_A_CLOCK: Final = ("booking", "payment", "realtime")
# Nothing happens in the last part of the sale: what the last fault did must be seen.
CALM_END: Final = 0.08


def draw_schedule(*, seed: int, faults: int, window_s: float) -> Sequence[Fault]:
    """So many faults in the order of their times, all within the window."""
    dice = Random(seed)
    chosen = list(islice(_decks(dice), faults))
    dice.shuffle(chosen)
    gap_s = window_s * (1 - CALM_END) / max(1, faults)
    return [replace(one, at_s=round(gap_s * (number + dice.uniform(0.2, 0.8)), 2)) for number, one in enumerate(chosen)]


def _decks(dice: Random) -> Iterator[Fault]:
    while True:
        yield from _deck(dice)


def _deck(dice: Random) -> Iterator[Fault]:
    """One of each family, then another of each, until all are used up."""
    families = [family(dice) for family in (_kills, _stores, _psp, _wires, _pairs, _clocks, _freezes)]
    for family in families:
        dice.shuffle(family)
    rounds = chain.from_iterable(zip_longest(*families))
    return (fault for fault in rounds if fault is not None)


def _kills(_: Random) -> list[Fault]:
    return [Fault(kind=Kind.KILL, targets=(name,)) for name in SERVICES]


def _pairs(dice: Random) -> list[Fault]:
    """Two at once; every service is one of two."""
    shuffled = dice.sample(SERVICES, k=len(SERVICES))
    return [Fault(kind=Kind.KILL, targets=pair) for pair in zip(shuffled[::2], shuffled[1::2], strict=True)]


def _freezes(dice: Random) -> list[Fault]:
    return [
        Fault(kind=Kind.FREEZE, targets=(name,), lasts_s=_seconds(dice, 3, 8)) for name in dice.sample(FREEZABLE, k=2)
    ]


def _stores(dice: Random) -> list[Fault]:
    """The broker is not killed: the embedded one would forget what it has acknowledged, which Kafka does not."""
    ways = (Kind.STORE_KILL, Kind.STORE_STOP, Kind.STORE_FREEZE)
    durable = [
        Fault(kind=way, targets=(store,), lasts_s=_seconds(dice, 1, 4))
        for store in ("PostgreSQL", "Valkey")
        for way in ways
    ]
    return [
        *durable,
        Fault(kind=Kind.STORE_FREEZE, targets=("broker",), lasts_s=_seconds(dice, 2, 6)),
        Fault(kind=Kind.AWAY, targets=("*/kafka",), lasts_s=_seconds(dice, 4, 8)),
    ]


def _psp(dice: Random) -> list[Fault]:
    orders: list[dict[str, float]] = [
        {"slow_s": _seconds(dice, 0.5, 2)},
        {"unanswered": round(dice.uniform(0.2, 0.5), 2)},
        {"answered_late": round(dice.uniform(0.2, 0.5), 2)},
        {"webhook_copies": dice.randint(2, 4)},
        {"webhook_delay_s": _seconds(dice, 4, 8)},
        # Late, out of order, and more than once.
        {"webhook_delay_s": _seconds(dice, 4, 8), "webhook_copies": 2},
    ]
    return [
        Fault(kind=Kind.PSP, targets=("payment",), lasts_s=_seconds(dice, 5, 10), details=order) for order in orders
    ]


def _wires(dice: Random) -> list[Fault]:
    between = ("booking-worker/booking", "booking-worker/realtime", "booking/ticket", "booking/payment")
    places = ("buyers/realtime", "buyers/gateway", "*/postgres", "*/redis", *dice.sample(between, k=2))
    ways = cycle(dice.sample((Kind.CUT, Kind.MUTE, Kind.AWAY), k=3))
    return [
        Fault(kind=way, targets=(place,), lasts_s=0.0 if way is Kind.CUT else _seconds(dice, 1, 5))
        for place, way in zip(places, ways, strict=False)
    ]


def _clocks(dice: Random) -> list[Fault]:
    return [
        Fault(kind=Kind.CLOCK, targets=(name,), details={"by_s": dice.choice((-1, 1)) * dice.randint(20, 90)})
        for name in (*WORKERS, dice.choice(WITH_A_CLOCK))
    ]


def _seconds(dice: Random, least: float, most: float) -> float:
    return round(dice.uniform(least, most), 1)
