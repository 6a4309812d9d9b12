"""Orders from outside: once per id, cancelled, paid late, resumed by another process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from services.booking.conductor import Conductor
from services.booking.domain import Order, Quantity, Status
from services.booking.handlers import BookingHandlers
from services.booking.refusals import BookingIdReused, NotCancellable, UnknownBooking
from services.booking.saga import Held
from services.kit.errors import Invalid
from services.kit.ids import new_id
from tests.twins.booking_store import MemoryBookings, MemoryBookingStore
from tests.unit.booking.desk import World, at_work, order
from tests.waiting import until


async def test_the_same_order_sent_fifty_times_at_once_is_one_booking(world: World, handlers: BookingHandlers) -> None:
    wanted = order()

    answers = await asyncio.gather(*(handlers.create(wanted) for _ in range(50)))

    assert {answer.id for answer in answers} == {wanted.booking_id}
    assert {answer.status for answer in answers} == {Status.CONFIRMED}
    assert len(world.payments.charged) == 1
    assert len(world.rows.published) == 1


async def test_the_same_id_with_another_order_is_refused(handlers: BookingHandlers) -> None:
    first = order("A-1-1")
    await handlers.create(first)

    with pytest.raises(BookingIdReused):
        await handlers.create(order("A-1-2", booking_id=first.booking_id))


async def test_of_two_who_want_one_seat_the_first_gets_it(handlers: BookingHandlers) -> None:
    first, second = await asyncio.gather(handlers.create(order("A-1-1")), handlers.create(order("A-1-1")))

    assert (first.status, second.status) == (Status.CONFIRMED, Status.REJECTED)
    assert second.reason == "seat-taken"


@pytest.mark.parametrize(
    "wrong",
    [
        {"booking_id": "7"},
        {"seat_ids": ()},
        {"seat_ids": ("A-1-1", "A-1-1")},
        {"seat_ids": (), "quantities": (Quantity("FLOOR", -1),)},
        {"seat_ids": (), "quantities": (Quantity("FLOOR", 51),)},
        {"seat_ids": ("\x00",)},
        {"event_id": "x" * 300},
    ],
)
async def test_a_malformed_order_is_refused_and_leaves_nothing(
    world: World, handlers: BookingHandlers, wrong: dict[str, object]
) -> None:
    with pytest.raises(Invalid):
        await handlers.create(order(**wrong))

    assert world.rows.progresses == {}


async def test_cancelling_gives_seats_and_money_back_and_may_be_asked_twice(
    world: World, handlers: BookingHandlers
) -> None:
    booking = await handlers.create(order())

    first = await handlers.cancel(booking.id, user_id="u1")
    second = await handlers.cancel(booking.id, user_id="u1")

    assert (first.status, second.status) == (Status.CANCELLED, Status.CANCELLED)
    assert first.reason == "cancelled-by-buyer"
    assert (world.tickets.sold, world.payments.charged) == ({}, {})


class BusyStore(MemoryBookingStore):
    """Others have their turn between two transactions, as with a real one."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryBookings]:
        async with super().transaction() as bookings:
            yield bookings
        await asyncio.sleep(0)


async def test_cancelling_twice_at_once_is_one_wish_with_one_answer(world: World) -> None:
    store = BusyStore(world.rows, me="one/1")
    conductor = Conductor(store, world.peers, committed=lambda: None, max_running=1000)
    handlers = BookingHandlers(store, conductor, world.payments, lambda: world.at)
    booking = await handlers.create(order())

    answers = await asyncio.gather(*(handlers.cancel(booking.id, user_id="u1") for _ in range(5)))

    assert {answer.id for answer in answers} == {booking.id}
    assert {answer.status for answer in answers} <= {Status.CANCELLING, Status.CANCELLED}
    assert (world.tickets.sold, world.payments.charged) == ({}, {})


async def test_what_was_never_sold_can_not_be_cancelled(handlers: BookingHandlers) -> None:
    booking = await handlers.create(order(payment_method="pm_declined"))

    with pytest.raises(NotCancellable):
        await handlers.cancel(booking.id, user_id="u1")


async def test_a_booking_of_another_user_is_unknown(handlers: BookingHandlers) -> None:
    booking = await handlers.create(order())

    with pytest.raises(UnknownBooking):
        await handlers.cancel(booking.id, user_id="u2")


async def test_the_fact_of_a_payment_confirms_who_waited_for_it(world: World, handlers: BookingHandlers) -> None:
    booking = await handlers.create(order(payment_method="pm_3ds"))
    world.payments.buyer_pays(f"{booking.id}/payment")

    await handlers.payments_decided([booking.id, new_id()])

    await until(lambda: world.rows.progresses[booking.id].booking.status is Status.CONFIRMED)


async def test_a_payment_whose_fact_came_too_early_is_found_by_looking(world: World, handlers: BookingHandlers) -> None:
    booking = await handlers.create(order(payment_method="pm_3ds"))
    world.payments.buyer_pays(f"{booking.id}/payment")
    world.at += timedelta(seconds=6)

    async with at_work(handlers.watch_unpaid):
        await until(lambda: world.rows.progresses[booking.id].booking.status is Status.CONFIRMED)


async def test_a_buyer_who_does_not_pay_in_time_gives_the_seats_back(world: World, handlers: BookingHandlers) -> None:
    booking = await handlers.create(order(payment_method="pm_3ds"))
    world.at += timedelta(minutes=11)

    async with at_work(handlers.watch_unpaid):
        await until(lambda: world.rows.progresses[booking.id].booking.status is Status.REJECTED)

    assert world.rows.progresses[booking.id].booking.reason == "payment-expired"
    assert world.tickets.held == {}


async def test_a_cancelled_event_gives_everybody_the_money_back(world: World, handlers: BookingHandlers) -> None:
    bookings = [await handlers.create(order(f"A-1-{number}")) for number in range(5)]

    await handlers.event_cancelled("e1")

    await until(lambda: world.payments.charged == {})
    await until(lambda: all(world.rows.progresses[one.id].booking.status is Status.CANCELLED for one in bookings))


async def test_a_saga_whose_process_died_goes_on_in_its_next_life(world: World) -> None:
    wanted = order()
    held = asyncio.Event()
    reserve = world.tickets.reserve

    async def reserve_then_hang(wanted: Order, *, key: str) -> Held:
        answer = await reserve(wanted, key=key)
        held.set()
        await asyncio.Event().wait()
        return answer

    world.tickets.reserve = reserve_then_hang  # type: ignore[method-assign,assignment]
    handlers, conductor = world.process("one/1")
    asking = asyncio.create_task(handlers.create(wanted))
    await held.wait()
    saga = conductor.task_of(wanted.booking_id)
    assert saga is not None
    saga.cancel()
    await asyncio.gather(asking, saga, return_exceptions=True)

    world.tickets.reserve = reserve  # type: ignore[method-assign]
    _, next_life = world.process("one/2")
    async with at_work(next_life.take_up):
        await until(lambda: world.rows.progresses[wanted.booking_id].booking.status is Status.CONFIRMED)

    assert len(world.payments.charged) == 1
