"""An order at the door: joins the line, is found there, and leaves it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.gateway.domain import (
    EventIsCancelled,
    KeyReused,
    NotCancellable,
    OnSale,
    Order,
    Queued,
    QueueFull,
    StillAtWork,
    UnknownBooking,
    UnknownEvent,
)
from services.gateway.full_lines import REMEMBERED
from services.gateway.handlers import BookingHandlers
from services.gateway.models.bookings import Booking
from tests.twins.booking_desk import MemoryDesk
from tests.twins.order_queue import MemoryQueue

NOW = datetime(2030, 1, 1, tzinfo=UTC)
EVENT = OnSale(
    event_id="e",
    cancelled=False,
    sale_starts_at=None,
    max_per_booking=4,
    sections=frozenset({"A"}),
    rows={("A", "1"): 20},
)
ORDER = Order(
    booking_id="b1",
    user_id="ada",
    event_id="e",
    seats=("A-1-1",),
    areas={},
    payment_method="",
    idempotency_key="",
    digest="",
    traceparent="",
)


class OneEvent:
    """A catalogue with one event in it."""

    def __init__(self) -> None:
        self.event = EVENT

    async def on_sale(self, event_id: str) -> OnSale:
        if event_id != self.event.event_id:
            raise UnknownEvent
        return self.event


async def nobodys() -> str:
    return ""


class Door:
    def __init__(self, *, limit: int = 200_000) -> None:
        self.now = NOW
        self.queue, self.catalogue, self.desk = MemoryQueue(lambda: NOW, limit=limit), OneEvent(), MemoryDesk()
        self.bookings = BookingHandlers(self.queue, self.catalogue, self.desk, lambda: self.now, nobodys)


@pytest.fixture
def door() -> Door:
    return Door()


async def test_an_order_waits_with_its_number(door: Door) -> None:
    await door.bookings.place(replace(ORDER, booking_id="b0", user_id="bob"))

    booking = await door.bookings.place(ORDER)

    assert (booking.id, booking.status, booking.created_at) == ("b1", "queued", NOW)
    assert booking.queue is not None
    assert (booking.queue.number, booking.queue.ahead) == (2, 1)


async def test_what_is_refused_takes_nobodys_place(door: Door) -> None:
    with pytest.raises(UnknownEvent):
        await door.bookings.place(replace(ORDER, event_id="other"))

    assert not any(door.queue.lines.values())


async def test_a_repeated_order_is_answered_though_the_event_was_cancelled(door: Door) -> None:
    order = replace(ORDER, idempotency_key="k", digest="d")
    await door.bookings.place(order)
    door.catalogue.event = replace(EVENT, cancelled=True)

    again = await door.bookings.place(replace(order, booking_id="b2"))

    assert again.id == "b1"
    with pytest.raises(KeyReused):
        await door.bookings.place(replace(order, booking_id="b3", digest="e"))
    with pytest.raises(EventIsCancelled):
        await door.bookings.place(replace(ORDER, booking_id="b4"))


async def test_the_desk_knows_better_than_the_line(door: Door) -> None:
    await door.bookings.place(ORDER)
    door.desk.known["b1", "ada"] = Booking(id="b1", event_id="e", status="confirmed")

    assert (await door.bookings.get("b1", user_id="ada")).status == "confirmed"


async def test_anothers_booking_is_unknown(door: Door) -> None:
    await door.bookings.place(ORDER)

    with pytest.raises(UnknownBooking):
        await door.bookings.get("b1", user_id="bob")
    with pytest.raises(UnknownBooking):
        await door.bookings.cancel("b1", user_id="bob")


async def test_who_cancels_while_waiting_is_cancelled_when_the_turn_comes(door: Door) -> None:
    await door.bookings.place(ORDER)

    at_once = await door.bookings.cancel("b1", user_id="ada")
    await door.queue.serve("e", 1)
    later = await door.bookings.get("b1", user_id="ada")

    assert (at_once.status, later.status, later.reason) == ("cancelling", "cancelled", "cancelled-by-buyer")


async def test_whose_turn_has_come_cancels_at_the_desk(door: Door) -> None:
    await door.bookings.place(ORDER)
    await door.queue.serve("e", 1)
    door.desk.known["b1", "ada"] = Booking(id="b1", event_id="e", status="confirmed")

    assert (await door.bookings.cancel("b1", user_id="ada")).status == "cancelled"


async def test_an_order_that_was_served_but_never_taken_is_rejected(door: Door) -> None:
    await door.bookings.place(ORDER)
    await door.queue.serve("e", 1)

    found = await door.bookings.get("b1", user_id="ada")

    assert (found.status, found.reason) == ("rejected", "order-refused")


@pytest.mark.parametrize(("status", "reason"), [("rejected", "malformed-order"), ("cancelled", "cancelled-by-buyer")])
async def test_what_the_worker_recorded_is_told(door: Door, status: str, reason: str) -> None:
    await door.bookings.place(ORDER)
    await door.queue.end("b1", status, reason)

    found = await door.bookings.get("b1", user_id="ada")

    assert (found.status, found.reason, found.queue) == (status, reason, None)


async def test_what_the_worker_refused_can_not_be_cancelled(door: Door) -> None:
    await door.bookings.place(ORDER)
    await door.queue.end("b1", "rejected", "try-again")

    with pytest.raises(NotCancellable):
        await door.bookings.cancel("b1", user_id="ada")


async def test_what_the_desk_is_deciding_is_marked_in_the_line(door: Door) -> None:
    await door.bookings.place(ORDER)
    door.desk.known["b1", "ada"] = Booking(id="b1", event_id="e", status="pending")

    assert (await door.bookings.cancel("b1", user_id="ada")).status == "cancelling"
    marked = await door.queue.find("b1")
    assert marked is not None
    assert marked.cancelled


async def test_what_the_desk_decides_anew_after_it_has_left_the_line_is_not_cancelled_now(door: Door) -> None:
    await door.bookings.place(ORDER)
    await door.queue.serve("e", 1)
    door.desk.known["b1", "ada"] = Booking(id="b1", event_id="e", status="pending")

    with pytest.raises(StillAtWork):
        await door.bookings.cancel("b1", user_id="ada")


class Decides(MemoryDesk):
    """Sells a booking just after it would not cancel it for the second time."""

    def __init__(self) -> None:
        super().__init__()
        self._asked = 0

    async def cancel(self, booking_id: str, *, user_id: str) -> Booking:
        self._asked += 1
        try:
            return await super().cancel(booking_id, user_id=user_id)
        finally:
            if self._asked == 2:
                self.known[booking_id, user_id] = Booking(id=booking_id, event_id="e", status="confirmed")


async def test_what_is_sold_while_it_is_cancelled_is_cancelled_all_the_same() -> None:
    desk = Decides()
    bookings = BookingHandlers(MemoryQueue(lambda: NOW), OneEvent(), desk, lambda: NOW, nobodys)
    await bookings.place(ORDER)
    desk.known["b1", "ada"] = Booking(id="b1", event_id="e", status="pending")

    assert (await bookings.cancel("b1", user_id="ada")).status == "cancelled"


class TurnComes(MemoryQueue):
    """The desk learns of an order just after it was marked in the line."""

    def __init__(self, desk: MemoryDesk, booking: Booking) -> None:
        super().__init__(lambda: NOW)
        self._desk, self._booking = desk, booking

    async def cancel(self, booking_id: str, *, user_id: str) -> Queued | None:
        marked = await super().cancel(booking_id, user_id=user_id)
        self._desk.known[booking_id, user_id] = self._booking
        return marked


@pytest.mark.parametrize(("at_desk", "told"), [("confirmed", "cancelled"), ("pending", "cancelling")])
async def test_whose_turn_comes_while_cancelling_is_cancelled_all_the_same(at_desk: str, told: str) -> None:
    desk = MemoryDesk()
    queue = TurnComes(desk, Booking(id="b1", event_id="e", status=at_desk))
    bookings = BookingHandlers(queue, OneEvent(), desk, lambda: NOW, nobodys)
    await bookings.place(ORDER)

    assert (await bookings.cancel("b1", user_id="ada")).status == told


async def codes(door: Door, *, user_id: str = ORDER.user_id) -> list[str]:
    return [entry.code for entry in (await door.bookings.timeline(ORDER.booking_id, user_id=user_id)).entries]


async def test_the_timeline_of_an_order_in_line_is_told_by_the_line(door: Door) -> None:
    await door.bookings.place(replace(ORDER, booking_id="b0", user_id="bob"))
    await door.bookings.place(ORDER)

    told = await door.bookings.timeline(ORDER.booking_id, user_id=ORDER.user_id)

    assert [(entry.code, entry.number, entry.ahead) for entry in told.entries] == [
        ("queued", 2, None),
        ("waiting", 2, 1),
    ]
    assert told.status == "queued"
    assert told.entries[0].at == NOW


async def test_the_timeline_of_an_order_that_left_the_line_says_why(door: Door) -> None:
    await door.bookings.place(ORDER)
    await door.bookings.cancel(ORDER.booking_id, user_id=ORDER.user_id)
    await door.queue.serve("e", 1)

    told = await door.bookings.timeline(ORDER.booking_id, user_id=ORDER.user_id)

    assert [(entry.code, entry.reason) for entry in told.entries] == [
        ("queued", None),
        ("left-line", "cancelled-by-buyer"),
    ]


async def test_the_timeline_of_a_booking_is_told_by_the_desk(door: Door) -> None:
    await door.bookings.place(ORDER)
    door.desk.known[ORDER.booking_id, ORDER.user_id] = Booking(id=ORDER.booking_id, event_id="e", status="confirmed")

    assert await codes(door) == ["confirmed"]


async def test_a_timeline_is_for_its_owner_and_for_support(door: Door) -> None:
    await door.bookings.place(ORDER)

    assert await codes(door, user_id="") == ["queued", "waiting"]
    with pytest.raises(UnknownBooking):
        await codes(door, user_id="mallory")


async def test_who_meets_a_full_line_is_told_so_without_asking_the_store_for_a_moment() -> None:
    door = Door(limit=1)
    await door.bookings.place(ORDER)
    with pytest.raises(QueueFull):
        await door.bookings.place(replace(ORDER, booking_id="b2"))
    await door.queue.serve(ORDER.event_id, 1)

    with pytest.raises(QueueFull) as full:
        await door.bookings.place(replace(ORDER, booking_id="b3"))
    door.now += REMEMBERED
    later = await door.bookings.place(replace(ORDER, booking_id="b4"))

    assert full.value.retry_after_s
    assert later.status == "queued"
