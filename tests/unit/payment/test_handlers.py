"""Paying, undoing and refunding, with every twin at hand and the PSP on its bad days."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from services.kit.errors import Invalid, Told
from services.kit.money import Money
from services.payment.domain import KeyReused, NotRefundable, Payment, PspEvent, Status
from services.payment.handlers import PaymentHandlers
from services.payment.ledger import Ledger
from services.payment.orders import Order
from services.payment.ports import PspDown
from services.payment.settling import Settling
from tests.twins.payment_psp import MemoryPsp
from tests.twins.payment_store import MemoryPaymentStore


class Sockets(list[tuple[str, Status]]):
    """What buyers were told."""

    async def payment_changed(self, payment: Payment) -> None:
        self.append((payment.user_id, payment.status))


@dataclass
class World:
    psp: MemoryPsp = field(default_factory=MemoryPsp)
    store: MemoryPaymentStore = field(default_factory=MemoryPaymentStore)
    told: Sockets = field(default_factory=Sockets)
    at: datetime = datetime(2030, 1, 1, tzinfo=UTC)
    woken: int = 0

    def __post_init__(self) -> None:
        ledger = Ledger(self.store, self.psp, self.now, self.wake)
        self.handlers = PaymentHandlers(self.store, ledger, self.now, provider="memory")
        self.settling = Settling(self.store, ledger, self.psp, self.told, self.now)

    def now(self) -> datetime:
        return self.at

    def wake(self) -> None:
        self.woken += 1

    async def pay(
        self, card: str = "pm_card_visa", *, key: str = "k", minor: int = 5000, attempt: int = 1
    ) -> Payment | Told:
        amount = Money(minor, "EUR")
        order = Order(key=key, booking_id="b", user_id="u", amount=amount, payment_method=card, attempt=attempt)
        return (await self.handlers.create_many([order]))[0]

    async def paid(self, card: str = "pm_card_visa", *, key: str = "k", attempt: int = 1) -> Payment:
        payment = await self.pay(card, key=key, attempt=attempt)
        assert isinstance(payment, Payment)
        return payment

    @property
    def facts(self) -> list[Status]:
        statuses = [change.payment.status for change in self.store.state.published]
        return [status for status in statuses if status is not Status.REQUIRES_ACTION]


@pytest.fixture
def world() -> World:
    return World()


async def test_a_key_that_died_between_goes_on_where_it_was(world: World) -> None:
    world.psp.mute = True
    assert isinstance(await world.pay(), PspDown)
    world.psp.mute = False

    payment = await world.paid()

    assert payment.status is Status.SUCCEEDED
    assert world.psp.charges == 1
    assert world.facts == [Status.SUCCEEDED]


async def test_an_abandoned_payment_is_finished_without_its_caller(world: World) -> None:
    world.psp.mute = True
    await world.pay()
    world.psp.mute = False

    world.at += timedelta(seconds=9)
    assert await world.settling.settle_abandoned() == 0
    world.at += timedelta(seconds=2)
    assert await world.settling.settle_abandoned() == 1

    assert (await world.handlers.payment("", "k", "")).status is Status.SUCCEEDED
    assert world.psp.charges == 1


async def test_a_psp_that_stays_away_is_asked_again_after_the_lease(world: World) -> None:
    world.psp.mute = True
    await world.pay()
    world.at += timedelta(seconds=11)

    counts = [await world.settling.settle_abandoned() for _ in range(2)]
    world.at += timedelta(seconds=31)

    assert [*counts, await world.settling.settle_abandoned()] == [1, 0, 1]


async def test_a_payment_older_than_the_psps_memory_is_looked_up_and_never_charged_again(world: World) -> None:
    world.psp.mute = True
    await world.pay(key="asked")
    world.psp.mute = False
    async with world.store.transaction() as payments:
        unasked = Order(
            key="unasked", booking_id="b", user_id="u", amount=Money(5000, "EUR"), payment_method="pm_card_visa"
        )
        await payments.add([unasked.as_payment("p2", "memory", at=world.at)])
    world.at += timedelta(hours=24)

    asked, unasked_ = await world.paid(key="asked"), await world.paid(key="unasked")

    assert asked.status is Status.SUCCEEDED
    assert (unasked_.status, unasked_.failure_reason) == (Status.FAILED, "payment-expired")
    assert world.psp.charges == 1


async def test_a_key_with_another_amount_is_refused(world: World) -> None:
    await world.paid()

    assert isinstance(await world.pay(minor=1), KeyReused)


async def test_concurrent_calls_with_one_key_charge_once(world: World) -> None:
    payments = await asyncio.gather(*(world.pay() for _ in range(10)))

    assert {payment.status for payment in payments if isinstance(payment, Payment)} == {Status.SUCCEEDED}
    assert world.psp.charges == 1
    assert world.facts == [Status.SUCCEEDED]


async def test_a_batch_has_a_bound(world: World) -> None:
    order = Order(key="k", booking_id="b", user_id="u", amount=Money(1, "EUR"))

    with pytest.raises(Invalid):
        await world.handlers.create_many([order] * 501)


async def test_nothing_comes_of_nothing(world: World) -> None:
    assert await world.handlers.create_many([]) == []


async def test_an_unanswered_charge_can_be_undone(world: World) -> None:
    world.psp.mute = True
    await world.pay()
    with pytest.raises(PspDown):
        await world.handlers.cancel("k")
    assert isinstance(await world.pay(), PspDown)
    world.psp.mute = False

    undone = await world.handlers.cancel("k")

    assert undone is not None
    assert undone.status is Status.REFUNDED
    assert [intent.refunded_minor for intent in world.psp.state.values()] == [5000]


async def test_an_undoing_that_nobody_waits_for_is_done_all_the_same(world: World) -> None:
    await world.paid()
    world.psp.mute = True
    with pytest.raises(PspDown):
        await world.handlers.cancel("k")
    world.psp.mute = False

    world.at += timedelta(seconds=11)
    await world.settling.settle_abandoned()

    assert (await world.handlers.payment("", "k", "")).status is Status.REFUNDED
    assert [minor for _, minor in world.psp.refunds.values()] == [5000]


async def test_a_refund_whose_answer_was_lost_is_made_once(world: World) -> None:
    payment = await world.paid()
    world.psp.mute = True
    with pytest.raises(PspDown):
        await world.handlers.refund(payment.payment_id, "r", Money(2000, "EUR"))
    world.psp.mute = False

    again = await world.handlers.refund(payment.payment_id, "r", Money(2000, "EUR"))

    assert (again.status, again.refunded_minor) == (Status.PARTIALLY_REFUNDED, 2000)
    assert len(world.psp.refunds) == 1
    with pytest.raises(KeyReused):
        await world.handlers.refund(payment.payment_id, "r", Money(1, "EUR"))


async def test_a_refund_that_the_psp_refuses_leaves_the_money_claimable(world: World) -> None:
    payment = await world.paid()
    world.psp.refuses_refunds = True
    for _ in range(2):
        with pytest.raises(NotRefundable):
            await world.handlers.refund(payment.payment_id, "r", None)
    world.psp.refuses_refunds = False

    assert (await world.handlers.refund(payment.payment_id, "s", None)).status is Status.REFUNDED


async def test_cancelling_gives_back_what_earlier_refunds_left(world: World) -> None:
    payment = await world.paid()
    await world.handlers.refund(payment.payment_id, "r", Money(2000, "EUR"))

    undone = [await world.handlers.cancel("k") for _ in range(2)]

    assert [(one.status, one.refunded_minor) for one in undone if one] == [(Status.REFUNDED, 5000)] * 2


@pytest.mark.parametrize(("approved", "status"), [(True, Status.SUCCEEDED), (False, Status.FAILED)])
async def test_an_event_brings_what_is_true_and_the_buyer_is_told_once(
    world: World, approved: bool, status: Status
) -> None:
    waiting = await world.paid("pm_card_authenticationRequired")
    world.psp.authenticate(waiting.provider_ref, approved=approved)
    event = PspEvent("e1", waiting.provider_ref, waiting.payment_id)

    assert [await world.settling.received(event) for _ in range(2)] == [True, False]
    await world.settling.received(PspEvent("e0-late", waiting.provider_ref, waiting.payment_id))
    await world.settling.settle_events()

    assert (await world.handlers.payment("", "k", "")).status is status
    assert world.told == [("u", status)]
    assert world.facts == [status]


async def test_after_a_failure_nobody_can_pay_at_the_psp_any_more(world: World) -> None:
    waiting = await world.paid("pm_card_authenticationRequired")
    world.psp.authenticate(waiting.provider_ref, approved=False)

    await world.settling.received(PspEvent("e1", waiting.provider_ref, waiting.payment_id))
    await world.settling.settle_events()

    assert world.psp.state[waiting.provider_ref].status is Status.CANCELLED


async def test_an_event_waits_while_the_psp_is_away(world: World) -> None:
    waiting = await world.paid("pm_card_authenticationRequired")
    world.psp.authenticate(waiting.provider_ref, approved=True)
    await world.settling.received(PspEvent("e1", waiting.provider_ref, waiting.payment_id))
    world.psp.mute = True
    await world.settling.settle_events()
    world.psp.mute = False

    world.at += timedelta(seconds=31)
    await world.settling.settle_events()

    assert (await world.handlers.payment("", "k", "")).status is Status.SUCCEEDED


async def test_money_that_comes_after_we_gave_up_waits_a_minute_for_its_owner_and_goes_back(world: World) -> None:
    late = await paid_late(world)
    world.at += timedelta(seconds=45)
    await world.settling.settle_abandoned()
    assert world.psp.state[late.provider_ref].refunded_minor == 0

    world.at += timedelta(seconds=45)
    await world.settling.settle_abandoned()

    assert world.psp.state[late.provider_ref].refunded_minor == 5000
    assert world.facts == [Status.FAILED, Status.SUCCEEDED, Status.REFUNDED]
    assert world.told == [("u", Status.SUCCEEDED), ("u", Status.REFUNDED)]


async def paid_late(world: World) -> Payment:
    """Declined and undone; then the PSP says that it has the money, twice."""
    declined = await world.paid("pm_card_visa_chargeDeclined")
    await world.handlers.cancel("k", attempt=1)
    world.psp.authenticate(declined.provider_ref, approved=True)
    for event_id in ("e1", "e2"):
        await world.settling.received(PspEvent(event_id, declined.provider_ref, declined.payment_id))
        await world.settling.settle_events()
    payment = await world.handlers.payment("", "k", "")
    assert (payment.status, payment.late) == (Status.SUCCEEDED, True)
    return payment


async def test_late_money_that_is_claimed_stays_whatever_was_sent_before(world: World) -> None:
    late = await paid_late(world)

    claimed = [await world.handlers.cancel("k", attempt=2, unless_paid=True) for _ in range(2)]
    await world.handlers.cancel("k", attempt=1)
    world.at += timedelta(hours=1)
    await world.settling.settle_abandoned()

    assert {one.status for one in claimed if one} == {Status.SUCCEEDED}
    assert world.psp.state[late.provider_ref].refunded_minor == 0
    assert (await world.handlers.payment("", "k", "")).late is False


async def test_a_claim_that_meets_the_undoing_of_late_money_is_too_late_or_wins_but_never_both(world: World) -> None:
    late = await paid_late(world)
    world.at += timedelta(seconds=90)

    claimed, _ = await asyncio.gather(
        world.handlers.cancel("k", attempt=2, unless_paid=True), world.settling.settle_abandoned()
    )

    assert claimed is not None
    kept = claimed.status is Status.SUCCEEDED
    assert world.psp.state[late.provider_ref].refunded_minor == (0 if kept else 5000)


async def test_undoing_unless_paid_keeps_what_is_paid_and_stops_what_is_not(world: World) -> None:
    await world.paid(key="paid")
    waiting = await world.paid("pm_card_authenticationRequired", key="waiting")
    approved = await world.paid("pm_card_authenticationRequired", key="approved")
    world.psp.authenticate(approved.provider_ref, approved=True)

    kept = [await world.handlers.cancel(key, unless_paid=True) for key in ("paid", "waiting", "approved", "unknown")]

    assert [one.status if one else None for one in kept] == [
        Status.SUCCEEDED,
        Status.CANCELLED,
        Status.SUCCEEDED,
        None,
    ]
    assert world.psp.state[waiting.provider_ref].status is Status.CANCELLED
    assert world.psp.refunds == {}


async def test_another_card_is_another_charge_with_a_key_of_its_own(world: World) -> None:
    declined = await world.paid("pm_card_visa_chargeDeclined")

    paid = [await world.paid("pm_card_visa", attempt=2) for _ in range(2)]
    stale = await world.paid("pm_card_visa_chargeDeclined")

    assert [(one.status, one.attempt) for one in (*paid, stale)] == [(Status.SUCCEEDED, 2)] * 3
    assert {one.payment_id for one in paid} == {declined.payment_id}
    assert world.psp.keys == {f"{declined.payment_id}-1", f"{declined.payment_id}-2"}


@pytest.mark.parametrize("mute", [False, True])
async def test_another_card_waits_until_the_first_charge_can_not_take_money_any_more(world: World, mute: bool) -> None:
    waiting = await world.paid("pm_card_authenticationRequired")
    world.psp.mute = mute

    paid = await world.pay("pm_card_visa", attempt=2)

    if mute:
        assert isinstance(paid, PspDown)
        assert world.psp.charges == 1
    else:
        assert isinstance(paid, Payment)
        assert paid.status is Status.SUCCEEDED
        assert world.psp.state[waiting.provider_ref].status is Status.CANCELLED


async def test_who_has_paid_with_the_first_card_is_not_charged_on_another(world: World) -> None:
    waiting = await world.paid("pm_card_authenticationRequired")
    world.psp.authenticate(waiting.provider_ref, approved=True)

    paid = await world.paid("pm_card_visa", attempt=2)

    assert (paid.status, paid.provider_ref) == (Status.SUCCEEDED, waiting.provider_ref)
    assert world.psp.charges == 1


async def test_what_was_undone_is_never_tried_again(world: World) -> None:
    await world.paid("pm_card_visa_chargeDeclined")
    await world.handlers.cancel("k", attempt=2)

    late = await world.paid("pm_card_visa", attempt=2)

    assert late.status is Status.FAILED
    assert world.psp.charges == 1


async def test_undoing_an_earlier_attempt_leaves_a_later_one_alone(world: World) -> None:
    await world.paid("pm_card_visa_chargeDeclined")
    await world.paid("pm_card_visa", attempt=2)

    left = await world.handlers.cancel("k", attempt=1)

    assert left is not None
    assert left.status is Status.SUCCEEDED
    assert world.psp.refunds == {}


async def test_of_two_charges_for_one_payment_the_second_goes_back_at_once(world: World) -> None:
    first = await world.paid("pm_card_authenticationRequired")
    second = await world.paid("pm_card_visa", attempt=2)
    world.psp.authenticate(first.provider_ref, approved=True)

    for event_id in ("e1", "e2"):
        await world.settling.received(PspEvent(event_id, first.provider_ref, first.payment_id))
        await world.settling.settle_events()

    refunded = {ref: intent.refunded_minor for ref, intent in world.psp.state.items()}
    assert refunded == {first.provider_ref: 5000, second.provider_ref: 0}
    assert (await world.handlers.payment("", "k", "")).status is Status.SUCCEEDED


async def test_a_charge_that_the_psp_cancels_is_cancelled_here(world: World) -> None:
    waiting = await world.paid("pm_card_authenticationRequired")
    await world.psp.cancel(waiting.provider_ref)

    await world.settling.received(PspEvent("e1", waiting.provider_ref, waiting.payment_id))
    await world.settling.settle_events()

    assert world.facts == [Status.CANCELLED]
    assert world.told == [("u", Status.CANCELLED)]


async def test_an_event_about_nothing_of_ours_is_done_with(world: World) -> None:
    await world.settling.received(PspEvent("e1", "pi_unknown", "unknown"))

    assert [await world.settling.settle_events() for _ in range(2)] == [1, 0]
