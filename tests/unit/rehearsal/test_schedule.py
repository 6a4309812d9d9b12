"""A bad day comes again with its seed, and has something of everything."""

from collections import Counter

import pytest

from tests.load.rehearsal.faults import Fault, Kind
from tests.load.rehearsal.schedule import SERVICES, WORKERS, draw_schedule

DECK = 40


def bad_day(*, seed: int = 1, faults: int = DECK, window_s: float = 160.0) -> list[Fault]:
    return list(draw_schedule(seed=seed, faults=faults, window_s=window_s))


def test_the_same_seed_is_the_same_bad_day() -> None:
    assert bad_day(seed=3) == bad_day(seed=3) != bad_day(seed=4)


@pytest.mark.parametrize("faults", [1, 8, 40, 100])
def test_there_are_as_many_faults_as_asked_for_in_order_and_the_end_is_calm(faults: int) -> None:
    day = bad_day(faults=faults)

    assert len(day) == faults
    assert day == sorted(day, key=lambda fault: fault.at_s)
    assert day[0].at_s > 0
    assert day[-1].at_s < 160 * 0.93


@pytest.mark.parametrize("seed", range(20))
def test_forty_faults_have_everything_that_was_promised(seed: int) -> None:
    day = bad_day(seed=seed)
    alone = Counter(fault.targets[0] for fault in day if fault.kind is Kind.KILL and len(fault.targets) == 1)
    paired = Counter(name for fault in day if fault.kind is Kind.KILL for name in fault.targets) - alone
    ways = {(fault.kind, target) for fault in day for target in fault.targets}

    assert alone == paired == Counter(SERVICES)
    for store in ("PostgreSQL", "Valkey"):
        assert {(way, store) for way in (Kind.STORE_KILL, Kind.STORE_STOP, Kind.STORE_FREEZE)} <= ways
    assert {(Kind.STORE_FREEZE, "broker"), (Kind.AWAY, "*/kafka")} <= ways
    assert {name for fault in day if fault.kind is Kind.PSP for name in fault.details} == {
        "slow_s",
        "unanswered",
        "answered_late",
        "webhook_copies",
        "webhook_delay_s",
    }
    assert {fault.kind for fault in day} == set(Kind)
    assert {(Kind.CLOCK, worker) for worker in WORKERS} <= ways


@pytest.mark.parametrize("seed", range(20))
def test_a_short_day_has_something_of_every_family(seed: int) -> None:
    kinds = {fault.kind for fault in bad_day(seed=seed, faults=8)}

    assert {Kind.KILL, Kind.PSP, Kind.CLOCK, Kind.FREEZE} <= kinds
    assert kinds & {Kind.CUT, Kind.MUTE, Kind.AWAY}
    assert kinds & {Kind.STORE_KILL, Kind.STORE_STOP, Kind.STORE_FREEZE, Kind.AWAY}


def test_a_fault_says_what_it_is() -> None:
    frozen = Fault(kind=Kind.FREEZE, targets=("booking",), lasts_s=3.25)
    late = Fault(kind=Kind.PSP, targets=("payment",), lasts_s=5, details={"answered_late": 0.4})

    assert str(Fault(kind=Kind.KILL, targets=("auth", "user"))) == "kill -9 auth and user"
    assert str(frozen) == "freeze booking for 3.2 s"
    assert str(late) == "psp payment answered_late=0.4 for 5.0 s"
