"""The pause after a fault, as buyers met it."""

from tests.load.rehearsal.chaos import Injected
from tests.load.rehearsal.faults import Fault, Kind
from tests.load.rehearsal.recovery import NextConfirmed, slowest, worst_by_target
from tests.load.sale.verdict import Confirmation


def bought(posted_at: float, told_at: float) -> Confirmation:
    return Confirmation(posted_at=posted_at, told_at=told_at)


def killed(*names: str, at: float) -> Injected:
    return Injected(fault=Fault(kind=Kind.KILL, targets=names), began_at=at - 1, ended_at=at)


def test_only_an_order_of_after_the_fault_proves_that_it_is_over() -> None:
    known = NextConfirmed([bought(9, 11), bought(12, 20), bought(13, 15)])

    assert known.after(10) == 5
    assert known.after(12.5) == 2.5
    assert known.after(14) is None


def test_the_worst_pause_of_each_service_counts_alone_or_with_another() -> None:
    confirmations = [bought(at, at + 1) for at in (12, 25, 90)]
    faults = [killed("auth", at=10), killed("auth", "user", at=20), killed("event", at=95)]

    worst = worst_by_target(faults, confirmations)

    assert worst == {"auth": 6, "user": 6, "event": None}


def test_what_is_no_kill_is_not_counted_as_one() -> None:
    frozen = Injected(fault=Fault(kind=Kind.FREEZE, targets=("auth",)), began_at=1, ended_at=2)

    assert worst_by_target([frozen], []) == {}


def test_the_slowest_orders_say_what_went_on_meanwhile() -> None:
    frozen = Injected(fault=Fault(kind=Kind.FREEZE, targets=("auth",)), began_at=11, ended_at=14)
    faults = [killed("user", at=9), frozen, killed("event", at=20)]

    told = slowest(faults, [bought(8, 8.5), bought(12, 19), bought(10, 21)], most=2)

    assert [(one.posted_at, one.took_s, list(one.during)) for one in told] == [
        (10, 11, [frozen, faults[2]]),
        (12, 7, [frozen]),
    ]
