"""The sandbox's bad days: what is ordered happens to calls, within bounds, and ends by itself."""

import asyncio
from datetime import UTC, datetime

import pytest

from services.kit.ids import new_id
from services.kit.money import Money
from services.kit.rpc import deadline
from services.payment.domain import Intent, Payment, Status
from services.payment.ports import PspDown
from services.payment.psp.faults import NONE, Fate, FaultDesk, Faults
from services.payment.psp.troubled import TroubledPsp
from tests.twins.payment_psp import MemoryPsp

TIMEOUT_S = 0.02


class Hand:
    """Dice and a clock that a test turns."""

    def __init__(self) -> None:
        self.drawn, self.at = 0.0, 100.0

    def desk(self) -> FaultDesk:
        return FaultDesk(clock=lambda: self.at, dice=lambda: self.drawn)


def payment() -> Payment:
    at = datetime.now(UTC)
    return Payment(
        payment_id=new_id(),
        key=new_id(),
        booking_id=new_id(),
        user_id=new_id(),
        amount=Money(5000, "EUR"),
        payment_method="pm_card_visa",
        description="",
        provider="any",
        created_at=at,
        updated_at=at,
    )


def troubled(desk: FaultDesk) -> tuple[TroubledPsp, MemoryPsp]:
    psp = MemoryPsp()
    return TroubledPsp(psp, desk, timeout_s=TIMEOUT_S), psp


def test_faults_end_by_themselves() -> None:
    hand = Hand()
    desk = hand.desk()
    desk.order(Faults(slow_s=3), for_s=10)

    hand.at += 9.9
    during = desk.now
    hand.at += 0.2

    assert during == Faults(slow_s=3)
    assert desk.now == NONE
    assert desk.left_s == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"slow_s": -1},
        {"slow_s": 61},
        {"unanswered": 1.1},
        {"unanswered": 0.6, "answered_late": 0.6},
        {"webhook_copies": 0},
        {"webhook_copies": 6},
        {"webhook_delay_s": float("nan")},
    ],
)
def test_a_fault_out_of_bounds_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Faults(**wrong)


@pytest.mark.parametrize("for_s", [0, -1, 601])
def test_a_fault_lasts_a_bounded_time(for_s: float) -> None:
    with pytest.raises(ValueError, match="for_s"):
        FaultDesk().order(Faults(), for_s=for_s)


@pytest.mark.parametrize(
    ("drawn", "fate"), [(0.0, Fate.UNANSWERED), (0.3, Fate.ANSWERED_LATE), (0.5, Fate.ANSWERED), (0.99, Fate.ANSWERED)]
)
def test_the_dice_say_what_becomes_of_a_call(drawn: float, fate: Fate) -> None:
    hand = Hand()
    desk = hand.desk()
    desk.order(Faults(unanswered=0.3, answered_late=0.2), for_s=10)
    hand.drawn = drawn

    assert desk.fate() is fate


def test_each_copy_of_a_webhook_has_a_delay_of_its_own() -> None:
    drawn = iter([0.9, 0.1])
    desk = FaultDesk(dice=lambda: next(drawn))
    desk.order(Faults(webhook_copies=2, webhook_delay_s=10), for_s=10)

    assert desk.webhook_delays() == [9.0, 1.0]
    desk.clear()
    drawn = iter([0.5])
    assert desk.webhook_delays() == [0.0]


async def test_a_call_that_is_not_answered_never_took_place() -> None:
    desk = Hand().desk()
    psp, bank = troubled(desk)
    desk.order(Faults(unanswered=1), for_s=10)

    outcomes = await psp.charge_many([payment(), payment()])

    assert [type(outcome) for outcome in outcomes] == [PspDown, PspDown]
    assert bank.charges == 0


async def test_a_late_answer_is_none_though_the_money_moved_and_the_key_finds_it_later() -> None:
    desk, wish = Hand().desk(), payment()
    psp, bank = troubled(desk)
    desk.order(Faults(answered_late=1), for_s=10)
    [late] = await psp.charge_many([wish])
    desk.clear()

    [known] = await psp.charge_many([wish])

    assert isinstance(late, PspDown)
    assert isinstance(known, Intent)
    assert known.status is Status.SUCCEEDED
    assert bank.charges == 1


async def test_one_lost_call_does_not_lose_the_rest_of_its_batch() -> None:
    fates = iter([0.1, 0.9])
    desk = FaultDesk(dice=lambda: next(fates))
    psp, bank = troubled(desk)
    desk.order(Faults(unanswered=0.5), for_s=10)

    lost, paid = await psp.charge_many([payment(), payment()])

    assert isinstance(lost, PspDown)
    assert isinstance(paid, Intent)
    assert bank.charges == 1


async def test_slower_than_anybody_waits_is_no_answer() -> None:
    desk, wish = Hand().desk(), payment()
    psp, bank = troubled(desk)
    [paid] = await psp.charge_many([wish])
    assert isinstance(paid, Intent)
    desk.order(Faults(slow_s=30), for_s=10)

    with pytest.raises(PspDown):
        await psp.refund(paid.ref, 5000, key="r")

    assert "r" in bank.refunds


async def test_a_slow_answer_is_an_answer() -> None:
    desk = Hand().desk()
    psp, _ = troubled(desk)
    desk.order(Faults(slow_s=0.005), for_s=10)
    began = asyncio.get_running_loop().time()

    [paid] = await psp.charge_many([payment()])

    assert isinstance(paid, Intent)
    assert asyncio.get_running_loop().time() - began >= 0.005


async def test_waiting_ends_with_the_caller_s_time() -> None:
    desk = Hand().desk()
    psp = TroubledPsp(MemoryPsp(), desk, timeout_s=60)
    desk.order(Faults(unanswered=1), for_s=10)
    deadline.begin(0.01)

    async with asyncio.timeout(5):
        with pytest.raises(PspDown):
            await psp.find("pi_1")
