"""The saga, simulated: whatever is lost, doubled or late, and whoever dies at whichever point, the end is the same.

Each scenario is played once undisturbed, and its messages, writes and calls to the PSP are counted. Then it is played
again for each of these points and each fault that can happen there.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress

import pytest

from services.booking import conductor, handlers
from services.booking.domain import PAID_TOO_LATE, PAY_AGAIN, Status
from services.kit.errors import Refusal
from services.payment.domain import Status as PaymentStatus
from tests.twins.saga_checks import violations
from tests.twins.saga_wire import MESSAGE_FAULTS, PSP_FAULTS, WRITE_FAULTS, Faults
from tests.twins.saga_world import WINDOW, World
from tests.twins.virtual_time import run_virtually, wait_until

FAULTS = {"message": MESSAGE_FAULTS, "write": WRITE_FAULTS, "psp": PSP_FAULTS}
THREE_D_SECURE, DECLINED = "pm_card_authenticationRequired", "pm_card_visa_chargeDeclined"
# Plans of several faults at once, for each scenario.
SEVERAL = int(os.environ.get("SIMULATIONS", "12"))

type Scenario = Callable[[World], Awaitable[None]]
type Plan = Mapping[tuple[str, int], str]


async def a_card_that_is_charged(world: World) -> None:
    booking = await world.order()

    assert booking.status is Status.CONFIRMED


async def a_card_that_is_declined(world: World) -> None:
    booking = await world.order(card=DECLINED)

    assert (booking.status, booking.reason) == (Status.REJECTED, "card-declined")


async def two_who_want_one_seat(world: World) -> None:
    both = await asyncio.gather(world.order(user_id="u1"), world.order(user_id="u2"))

    assert sorted(one.status.value for one in both) == ["CONFIRMED", "REJECTED"]


async def a_buyer_who_approves(world: World) -> None:
    waiting = await world.order(card=THREE_D_SECURE)
    await world.bank(waiting.id, approved=True)

    await world.until(waiting.id, Status.CONFIRMED)


async def a_buyer_who_fails_and_pays_with_another_card(world: World) -> None:
    waiting = await world.order(card=THREE_D_SECURE)
    await world.bank(waiting.id, approved=False)
    await _may_pay_again(world, waiting.id)

    await world.ask("pay", waiting.id, "pm_card_visa", user_id="u1")

    await world.until(waiting.id, Status.CONFIRMED)


async def _may_pay_again(world: World, booking_id: str) -> None:
    def asked() -> bool:
        action = world.booking(booking_id).next_action
        return action is not None and action.type == PAY_AGAIN

    await wait_until(asked, within_s=WINDOW.total_seconds())


async def a_buyer_who_changes_the_card_and_approves(world: World) -> None:
    waiting = await world.order(card="")
    await world.ask("pay", waiting.id, THREE_D_SECURE, user_id="u1")
    await world.until(waiting.id, Status.AWAITING_PAYMENT)

    await world.bank(waiting.id, approved=True, which=-1)

    await world.until(waiting.id, Status.CONFIRMED)


async def a_buyer_who_never_comes_back(world: World) -> None:
    waiting = await world.order(card=THREE_D_SECURE)

    ended = await world.until(waiting.id, Status.REJECTED)

    assert ended.reason == "payment-expired"


async def a_buyer_who_approves_in_the_last_moment(world: World) -> None:
    waiting = await world.order(card=THREE_D_SECURE)
    assert waiting.expires_at is not None
    await asyncio.sleep((waiting.expires_at - world.now()).total_seconds() - 0.2)

    # The bank knows; its webhook is on its way.
    intent = next(iter(world.psp.state.values()))
    world.psp.authenticate(intent.ref, approved=True)

    await world.until(waiting.id, Status.CONFIRMED)


async def money_that_comes_late_for_seats_that_are_free(world: World) -> None:
    waiting = await world.order(card=THREE_D_SECURE)
    await world.until(waiting.id, Status.REJECTED)

    await world.bank(waiting.id, approved=True)

    ended = await world.until(waiting.id, Status.CONFIRMED, Status.CANCELLED)
    # A cancellation that slept until then gives the money back before it is claimed: sad, but right.
    assert ended.status is Status.CONFIRMED or len(world.faults.planned) > 1


async def money_that_comes_late_for_seats_that_are_sold(world: World) -> None:
    waiting = await world.order(card=THREE_D_SECURE)
    await world.until(waiting.id, Status.REJECTED)
    await world.order(user_id="u2")

    await world.bank(waiting.id, approved=True)

    ended = await world.until(waiting.id, Status.CANCELLED)
    assert ended.reason == PAID_TOO_LATE


async def a_capture_while_the_seats_are_given_back(world: World) -> None:
    waiting = await world.order(card=THREE_D_SECURE)
    intent = next(iter(world.psp.state.values()))
    await wait_until(lambda: world.psp.state[intent.ref].status is PaymentStatus.CANCELLED, every_s=0.01)

    await world.bank(waiting.id, approved=True)

    await world.until(waiting.id, Status.CONFIRMED, Status.REJECTED, Status.CANCELLED)


async def a_booking_that_is_cancelled(world: World) -> None:
    booking = await world.order()

    await world.ask("cancel", booking.id, user_id="u1")

    await world.until(booking.id, Status.CANCELLED)


async def an_event_that_is_cancelled(world: World) -> None:
    paid, waiting = await world.order(1), await world.order(2, card=THREE_D_SECURE)
    cancelling = asyncio.ensure_future(world.cancel_event())
    late = await world.order(3, user_id="u3")

    await cancelling

    for one in (paid, waiting):
        await world.until(one.id, Status.CANCELLED)
    await world.until(late.id, Status.CANCELLED, Status.REJECTED)


async def a_charge_that_is_captured_twice(world: World) -> None:
    waiting = await world.order(card=THREE_D_SECURE)
    await world.ask("pay", waiting.id, "pm_card_visa", user_id="u1")
    await world.until(waiting.id, Status.CONFIRMED)

    # It was cancelled there, and is captured all the same.
    await world.bank(waiting.id, approved=True, which=0)


SCENARIOS: tuple[Scenario, ...] = (
    a_card_that_is_charged,
    a_card_that_is_declined,
    two_who_want_one_seat,
    a_buyer_who_approves,
    a_buyer_who_fails_and_pays_with_another_card,
    a_buyer_who_changes_the_card_and_approves,
    a_buyer_who_never_comes_back,
    a_buyer_who_approves_in_the_last_moment,
    money_that_comes_late_for_seats_that_are_free,
    money_that_comes_late_for_seats_that_are_sold,
    a_capture_while_the_seats_are_given_back,
    a_booking_that_is_cancelled,
    an_event_that_is_cancelled,
    a_charge_that_is_captured_twice,
)


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that look less often: virtual time is free, but each look is work."""
    monkeypatch.setattr(conductor, "LOOK_S", 3.0)
    monkeypatch.setattr(handlers, "LOOK_S", 3.0)


def play(
    scenario: Scenario, plan: Plan, *, at: tuple[str, int] | None = None, meanwhile: Scenario | None = None
) -> Faults:
    """Once, from the beginning to the end of everything; what was passed on the way.

    `meanwhile` begins when the point `at` is passed.
    """
    faults = Faults(plan)

    async def played() -> list[str]:
        async with World(faults).open() as world:
            others: list[asyncio.Future[None]] = []
            if at is not None and meanwhile is not None:
                faults.meanwhile = {at: lambda: others.append(asyncio.ensure_future(meanwhile(world)))}
            await scenario(world)
            await asyncio.gather(*others)
            await world.settle()
            return violations(world)

    try:
        wrong = run_virtually(played())
    except BaseException as failure:
        failure.add_note("\n".join([f"with {dict(plan)}:", *faults.story]))
        raise
    assert wrong == [], "\n".join([*wrong, f"with {dict(plan)}:", *faults.story])
    return faults


def single_faults(points: Mapping[str, int]) -> Iterator[Plan]:
    for kind, count in points.items():
        for number, fault in itertools.product(range(1, count + 1), FAULTS[kind]):
            yield {(kind, number): fault}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.__name__)
def test_no_single_fault_at_any_point_changes_the_end(scenario: Scenario) -> None:
    points = dict(play(scenario, {}).passed)

    for plan in single_faults(points):
        play(scenario, plan)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.__name__)
def test_no_handful_of_faults_changes_the_end(scenario: Scenario) -> None:
    points = dict(play(scenario, {}).passed)
    dice = random.Random(scenario.__name__)

    for _ in range(SEVERAL):
        plan = {}
        for _ in range(dice.randint(2, 5)):
            kind = dice.choice(list(points))
            plan[kind, dice.randint(1, points[kind] + 2)] = dice.choice(FAULTS[kind])
        play(scenario, plan)


async def who_buys_what_may_be_cancelled(world: World) -> None:
    """One pays at once, one at the bank, and one with another card after the bank said no."""
    paying = asyncio.ensure_future(world.order(1))
    at_the_bank, undecided = await world.order(2, card=THREE_D_SECURE), await world.order(3, card="")
    if at_the_bank.status is Status.AWAITING_PAYMENT:
        await world.bank(at_the_bank.id, approved=True)
    with suppress(Refusal):
        await world.ask("pay", undecided.id, "pm_card_visa", user_id="u1")
    for one in (await paying, at_the_bank, undecided):
        await world.until(one.id, Status.CONFIRMED, Status.CANCELLED, Status.REJECTED)


@pytest.mark.parametrize(
    ("booking_after_s", "ticket_after_s"),
    [(0.0, 0.0), (0.0, 10.0), (10.0, 0.0), (0.0, 200.0), (200.0, 0.0)],
    ids=["at once", "booking first", "ticket first", "booking long before", "ticket long before"],
)
def test_an_event_cancelled_at_any_point_of_its_sagas_leaves_no_seat_sold_and_no_money_kept(
    booking_after_s: float, ticket_after_s: float
) -> None:
    async def cancelled(world: World) -> None:
        await world.cancel_event(booking_after_s=booking_after_s, ticket_after_s=ticket_after_s)

    points = dict(play(who_buys_what_may_be_cancelled, {}).passed)

    for kind, count in points.items():
        for number in range(1, count + 1):
            play(who_buys_what_may_be_cancelled, {}, at=(kind, number), meanwhile=cancelled)


@pytest.mark.parametrize("ticket_first", [False, True])
def test_an_event_cancelled_under_a_saga_that_meets_faults_leaves_nothing_sold(*, ticket_first: bool) -> None:
    async def cancelled(world: World) -> None:
        late = 10.0
        await world.cancel_event(
            booking_after_s=late if ticket_first else 0.0, ticket_after_s=0.0 if ticket_first else late
        )

    points = dict(play(who_buys_what_may_be_cancelled, {}).passed)
    dice = random.Random(int(ticket_first))

    for _ in range(5 * SEVERAL):
        kind, struck = dice.choice(list(points)), dice.choice(list(points))
        plan = {(struck, dice.randint(1, points[struck])): dice.choice(FAULTS[struck])}
        play(who_buys_what_may_be_cancelled, plan, at=(kind, dice.randint(1, points[kind])), meanwhile=cancelled)
