"""Sagas that nothing answers: laid aside where a person sees them, with their seats, and their buyers told."""

from datetime import timedelta
from functools import partial

import pytest

from protos.gen import booking_pb2 as pb
from protos.gen import messages_pb2 as messages
from services.booking import conductor as conductor_room
from services.booking import saga
from services.booking.domain import NotCancellable, Order, Status
from services.booking.facts import booking_message, fact_of
from services.booking.handlers import BookingHandlers
from services.kit.errors import NotNow
from tests.twins.booking_peers import refused
from tests.unit.booking.desk import World, at_work, order
from tests.waiting import until


async def parked(world: World, monkeypatch: pytest.MonkeyPatch) -> Order:
    """An order whose charge never got an answer."""
    monkeypatch.setattr(saga, "PAUSES_S", ())
    monkeypatch.setattr(conductor_room, "LOOK_S", 0.001)
    world.payments.away = True
    handlers, conductor = world.process()
    wanted = order()
    with pytest.raises(NotNow):
        await handlers.create(wanted)
    async with at_work(conductor.take_up):
        for rests in range(1, saga.MOST_RESTS):
            world.at += saga.LONGEST_REST + timedelta(seconds=1)
            await until(partial(_rested_oftener, world, wanted.booking_id, rests))
    assert list(world.rows.parked) == [wanted.booking_id]
    return wanted


def _rested_oftener(world: World, booking_id: str, rests: int) -> bool:
    return world.rows.progresses[booking_id].rests > rests


async def test_a_saga_that_gets_no_answer_for_long_is_parked_with_its_reason_and_its_seats(
    world: World, handlers: BookingHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = await parked(world, monkeypatch)

    listed, total = await handlers.parked(limit=0)

    assert total == 1
    assert listed[0].progress.booking.parked == "dependency-down: payment does not answer"
    assert listed[0].progress.step == saga.PAYMENT_STEP
    assert world.tickets.held == {f"{wanted.booking_id}/seats": frozenset({"A-1-1"})}


async def test_the_buyer_of_a_parked_booking_is_told_the_truth(
    world: World, handlers: BookingHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = await parked(world, monkeypatch)

    shown = booking_message(await handlers.booking(wanted.booking_id))
    told = fact_of(world.rows.published[-1]).body

    assert (pb.BookingStatus.Name(shown.status), shown.reason) == ("PENDING", "delayed")
    assert isinstance(told, messages.BookingDelayed)
    with pytest.raises(NotCancellable):
        await handlers.cancel(wanted.booking_id, user_id="u1")


async def test_a_parked_saga_that_is_resumed_goes_on_from_where_it_stood(
    world: World, handlers: BookingHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = await parked(world, monkeypatch)
    world.payments.away = False

    resumed = await handlers.resume([])
    world.at += timedelta(seconds=1)
    async with at_work(world.process()[1].take_up):
        await until(lambda: world.rows.progresses[wanted.booking_id].booking.status is Status.CONFIRMED)

    assert resumed == [wanted.booking_id]
    assert await handlers.resume([wanted.booking_id]) == []
    assert (len(world.payments.charged), len(world.tickets.sold)) == (1, 1)


async def test_an_error_of_ours_is_parked_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saga, "MOST_RESTS", 1)
    world.tickets.reserve = None  # type: ignore[assignment,method-assign]

    with pytest.raises(NotNow):
        await world.process()[0].create(order())

    ((found, _),) = [(one.booking, one.step) for one in world.rows.progresses.values()]
    assert found.parked.startswith("TypeError")


async def test_an_undoing_that_is_refused_waits_for_a_person_and_nobody_is_told_that_it_is_done(
    world: World, handlers: BookingHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bank_refuses(*, key: str, attempt: int) -> None:
        raise refused("not-refundable")

    monkeypatch.setattr(saga, "MOST_RESTS", 1)
    monkeypatch.setattr(world.payments, "cancel", bank_refuses)
    booking = await handlers.create(order())

    cancelling = await handlers.cancel(booking.id, user_id="u1")

    listed, _ = await handlers.parked(limit=10)
    assert (cancelling.status, booking_message(cancelling).reason) == (Status.CANCELLING, "delayed")
    assert [(one.progress.step, one.progress.undoing) for one in listed] == [(saga.PAYMENT_STEP, True)]
    assert "not-refundable" in listed[0].progress.booking.parked
    assert world.tickets.sold
