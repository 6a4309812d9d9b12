"""Another card for a booking whose first one was not charged."""

import asyncio
from datetime import timedelta

import pytest

from services.booking.conductor import StillAtWork
from services.booking.domain import Booking, NextAction, Status
from services.booking.handlers import BookingHandlers
from services.booking.refusals import MAX_ATTEMPTS, NotPayable, TooManyCards, UnknownBooking
from services.booking.saga import Charge
from tests.unit.booking.desk import World, at_work, order
from tests.waiting import until


async def waiting_for_another_card(world: World, handlers: BookingHandlers) -> Booking:
    """3-D Secure failed."""
    booking = await handlers.create(order(payment_method="pm_3ds"))
    world.payments.asks.discard("pm_3ds")
    world.payments.declines.add("pm_3ds")
    await handlers.payments_decided([booking.id])
    await until(lambda: world.rows.progresses[booking.id].booking.reason == "card-declined")
    return world.rows.progresses[booking.id].booking


async def test_a_booking_whose_card_failed_waits_for_another_one_with_its_seats_held(
    world: World, handlers: BookingHandlers
) -> None:
    booking = await waiting_for_another_card(world, handlers)

    assert (booking.status, booking.next_action) == (Status.AWAITING_PAYMENT, NextAction(type="pay_again"))
    assert booking.expires_at == world.at + timedelta(minutes=10)
    assert world.tickets.released == set()


async def test_another_card_pays_as_a_new_attempt_and_paying_twice_is_paying_once(
    world: World, handlers: BookingHandlers
) -> None:
    booking = await waiting_for_another_card(world, handlers)

    answers = await asyncio.gather(*(handlers.pay(booking.id, "pm_card_visa", user_id="u1") for _ in range(5)))
    again = await handlers.pay(booking.id, "pm_card_visa", user_id="u1")

    assert {(one.status, one.attempt) for one in (*answers, again)} == {(Status.CONFIRMED, 2)}
    assert len(world.payments.charged) == 1


async def test_a_card_that_is_declined_as_well_leaves_the_booking_waiting_until_its_time_is_over(
    world: World, handlers: BookingHandlers
) -> None:
    booking = await waiting_for_another_card(world, handlers)

    declined = await handlers.pay(booking.id, "pm_declined", user_id="u1")
    world.at += timedelta(minutes=10, seconds=1)
    with pytest.raises(NotPayable):
        await handlers.pay(booking.id, "pm_card_visa", user_id="u1")
    async with at_work(handlers.watch_unpaid):
        await until(lambda: world.rows.progresses[booking.id].booking.status is Status.REJECTED)

    assert (declined.status, declined.reason, declined.attempt) == (Status.AWAITING_PAYMENT, "card-declined", 2)
    assert declined.expires_at == booking.expires_at
    assert world.rows.progresses[booking.id].booking.reason == "payment-expired"


async def test_only_so_many_cards_may_be_tried(world: World, handlers: BookingHandlers) -> None:
    booking = await waiting_for_another_card(world, handlers)
    for _ in range(MAX_ATTEMPTS - 1):
        await handlers.pay(booking.id, "pm_declined", user_id="u1")

    with pytest.raises(TooManyCards):
        await handlers.pay(booking.id, "pm_card_visa", user_id="u1")

    assert (await handlers.booking(booking.id)).status is Status.AWAITING_PAYMENT


@pytest.mark.parametrize("method", ["pm_declined", "pm_card_visa"])
async def test_what_does_not_wait_for_a_payment_takes_none(
    world: World, handlers: BookingHandlers, method: str
) -> None:
    booking = await handlers.create(order(payment_method=method))
    if method == "pm_card_visa":
        await handlers.cancel(booking.id, user_id="u1")

    with pytest.raises(NotPayable):
        await handlers.pay(booking.id, "pm_card_visa", user_id="u1")

    assert world.payments.charged == {}


async def test_nobody_pays_for_the_booking_of_another(handlers: BookingHandlers) -> None:
    booking = await handlers.create(order(payment_method="pm_3ds"))

    with pytest.raises(UnknownBooking):
        await handlers.pay(booking.id, "pm_card_visa", user_id="u2")


async def test_the_card_that_waits_for_its_buyer_is_not_begun_again(world: World, handlers: BookingHandlers) -> None:
    booking = await handlers.create(order(payment_method="pm_3ds"))

    assert await handlers.pay(booking.id, "pm_3ds", user_id="u1") == booking


async def test_while_one_card_is_tried_another_one_has_to_wait(world: World, handlers: BookingHandlers) -> None:
    booking = await waiting_for_another_card(world, handlers)
    asked, answer = asyncio.Event(), asyncio.Event()
    charge = world.payments.charge

    async def charge_slowly(booking: Booking, *, key: str) -> Charge:
        asked.set()
        await answer.wait()
        return await charge(booking, key=key)

    world.payments.charge = charge_slowly  # type: ignore[method-assign]
    paying = asyncio.create_task(handlers.pay(booking.id, "pm_card_visa", user_id="u1"))
    await asked.wait()

    with pytest.raises(StillAtWork):
        await handlers.pay(booking.id, "pm_card_amex", user_id="u1")

    answer.set()
    assert (await paying).status is Status.CONFIRMED
