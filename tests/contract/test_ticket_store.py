"""What happens to places, held to by the twin and by PostgreSQL alike."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.kit.errors import Refusal
from services.kit.ids import new_id
from services.ticket.domain.hold import Extension, GiveBack, HoldState, Sale
from services.ticket.domain.reserving import reserve
from services.ticket.domain.stock import Stock
from services.ticket.ports import Raced
from tests.conftest import Stores
from tests.twins.ticket_events import USER, hall, order
from tests.twins.ticket_shop import Shop, reasons, shop_over, told


@pytest.fixture
async def shop(real_stores: Stores | None) -> AsyncIterator[Shop]:
    async with shop_over(real_stores) as shop:
        yield shop


async def refusal(awaitable) -> str:
    with pytest.raises(Refusal) as refused:
        await awaitable
    return refused.value.reason


async def test_an_event_is_loaded_once_with_all_its_places_free(shop: Shop) -> None:
    layout = hall(rows={"1": 3, "2": 2}, standing=7)

    await shop.open(layout)
    await shop.open(layout)

    assert await shop.states(layout) == dict.fromkeys(["A-1-1", "A-1-2", "A-1-3", "A-2-1", "A-2-2"], "f")
    assert await shop.store.version(layout.event.event_id) == 1
    assert await shop.store.event(layout.event.event_id) == layout.event


async def test_a_held_seat_is_nobody_elses(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 3}))

    hold = await shop.reserve(order(layout, "A-1-1", "A-1-2"))

    assert [place.label for place in hold.places] == ["Section A, row 1, seat 1", "Section A, row 1, seat 2"]
    assert (hold.total.minor, hold.total.currency) == (10_000, "EUR")
    assert hold.expires_at is not None
    assert await refusal(shop.reserve(order(layout, "A-1-2", "A-1-3"))) == "seat-taken"
    assert await shop.states(layout) == {"A-1-1": "h", "A-1-2": "h", "A-1-3": "f"}


async def test_in_a_batch_the_first_one_gets_it_and_a_bad_request_refuses_itself_only(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 3}, standing=2))
    one, other = order(layout, "A-1-1"), order(layout, "A-1-1")
    requests = [
        one,
        other,
        order(layout, "A-9-9"),
        order(layout, "A-1-2", "A-1-2"),
        order(layout, A=0),
        order(layout),
        order(layout, FLOOR=3),
        order(layout, FLOOR=2),
        order(layout, NOWHERE=1),
        order(layout, FLOOR=1, A=1),
        replace(order(layout, "A-1-2"), event_id=new_id()),
        replace(order(layout, "A-1-2"), key="nul\x00"),
        order(layout, "A-1-2", A=1),
    ]

    outcomes = await shop.handlers.reserve(requests)

    assert reasons(outcomes) == [
        "",
        "seat-taken",
        "unknown-seat",
        "invalid-argument",
        "invalid-argument",
        "invalid-argument",
        "sold-out",
        "",
        "unknown-seat",
        "sold-out",
        "unknown-event",
        "invalid-argument",
        "",
    ]
    assert await shop.states(layout) == dict.fromkeys(["A-1-1", "A-1-2", "A-1-3"], "h")
    assert await shop.counts(layout, "FLOOR") == (2, 0)
    assert await shop.store.version(layout.event.event_id) == 2


async def test_seats_of_another_event_are_unknown(shop: Shop) -> None:
    layout, other = await shop.open(hall(rows={"1": 3})), await shop.open(hall(rows={"X": 3}))

    assert await refusal(shop.reserve(order(layout, "A-X-1"))) == "unknown-seat"
    assert set((await shop.states(other)).values()) == {"f"}


async def test_the_same_key_is_the_same_hold_and_only_for_the_same_order(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 3}))
    first = order(layout, "A-1-2", "A-1-1")

    held, again, turned = await shop.handlers.reserve([first, first, replace(first, seat_ids=("A-1-1", "A-1-2"))])
    later = await shop.reserve(first)

    assert held == again == turned == later
    assert await refusal(shop.reserve(replace(first, seat_ids=("A-1-1",)))) == "key-reused"
    assert await refusal(shop.reserve(replace(first, user_id="somebody-else"))) == "key-reused"
    other = await shop.open(hall(rows={"1": 3}))
    assert await refusal(shop.reserve(order(other, "A-1-1", key=first.key))) == "key-reused"


async def test_too_many_places_and_a_closed_sale_are_refused(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 9}, max_per_booking=2))
    early = await shop.open(hall(rows={"1": 9}, sale_starts_at=datetime(2100, 1, 1, tzinfo=UTC)))

    assert await refusal(shop.reserve(order(layout, "A-1-1", A=2))) == "too-many-places"
    assert await refusal(shop.reserve(order(layout, A=2_000_000_000))) == "too-many-places"
    assert await refusal(shop.reserve(order(early, "A-1-1"))) == "sale-not-open"


async def test_a_cancelled_event_sells_nothing_more_but_takes_back(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 3}))
    held, sold = order(layout, "A-1-1"), order(layout, "A-1-2")
    await shop.handlers.reserve([held, sold])
    tickets = await shop.confirm(sold.key)

    await shop.handlers.events_changed({}, {new_id(): layout.event.event_id, new_id(): new_id()})

    assert await refusal(shop.reserve(order(layout, "A-1-3"))) == "event-cancelled"
    assert await refusal(shop.confirm(held.key)) == "event-cancelled"
    assert await shop.confirm(sold.key) == tickets
    assert [await shop.release(one.key) for one in (held, sold)] == [1, 1]


async def test_an_event_that_was_cancelled_before_it_was_heard_of_is_never_sold(shop: Shop) -> None:
    layout = hall(rows={"1": 3})
    await shop.handlers.events_changed({}, {new_id(): layout.event.event_id})

    await shop.open(layout)

    assert await refusal(shop.reserve(order(layout, "A-1-1"))) == "event-cancelled"


async def test_neighbours_are_found_front_row_first_and_strangers_only_when_it_must_be(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 3, "2": 4, "3": 2}))

    async def seats(count: int) -> list[str]:
        return [place.seat_id for place in (await shop.reserve(order(layout, A=count))).places]

    assert await seats(2) == ["A-1-1", "A-1-2"]
    assert await seats(3) == ["A-2-1", "A-2-2", "A-2-3"]
    assert await seats(2) == ["A-3-1", "A-3-2"]
    assert await seats(2) == ["A-1-3", "A-2-4"]
    assert await refusal(shop.reserve(order(layout, A=1))) == "sold-out"


async def test_neighbours_far_behind_many_single_seats_are_found(shop: Shop) -> None:
    layout = await shop.open(hall(rows={f"{row}": 50 for row in range(1, 14)}, max_per_booking=50))
    every_other = [f"A-{row}-{number}" for row in range(1, 13) for number in range(1, 51, 2)]
    named = [order(layout, *every_other[at : at + 50]) for at in range(0, 300, 50)]
    assert not any(reasons(await shop.handlers.reserve(named)))

    hold = await shop.reserve(order(layout, A=2))

    assert [place.seat_id for place in hold.places] == ["A-13-1", "A-13-2"]


async def test_tickets_are_issued_once(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 3}, standing=5))
    bought = order(layout, "A-1-1", FLOOR=2)
    await shop.reserve(bought)

    first = await shop.confirm(bought.key)
    again = await shop.confirm(bought.key)

    assert [signed.ticket.place.label for signed in first] == ["Section A, row 1, seat 1"] + ["Floor, standing"] * 2
    assert again == first
    assert (await shop.states(layout))["A-1-1"] == "s"
    assert await shop.counts(layout, "FLOOR") == (0, 2)
    assert (await shop.reserve(bought)).state is HoldState.SOLD
    assert await shop.contradictions(layout) == []


async def test_a_key_twice_in_one_batch_is_sold_once(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 3}))
    bought = order(layout, "A-1-1")
    await shop.reserve(bought)
    sale = Sale(bought.key, "b", USER)

    one, other, unknown, foreign = await shop.handlers.confirm(
        [sale, sale, Sale(new_id(), "b", USER), replace(sale, user_id="mallory")]
    )

    assert one == other
    assert reasons([unknown, foreign]) == ["unknown-hold", "unknown-hold"]


async def test_what_is_released_is_free_and_its_key_is_spent(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 3}, standing=5))
    held, sold = order(layout, "A-1-1", FLOOR=1), order(layout, "A-1-2", FLOOR=1)
    await shop.handlers.reserve([held, sold])
    await shop.confirm(sold.key)

    freed = await shop.handlers.release([GiveBack(held.key, ""), GiveBack(sold.key, ""), GiveBack(sold.key, "")])

    assert freed == [2, 2, 0]
    assert set((await shop.states(layout)).values()) == {"f"}
    assert await shop.counts(layout, "FLOOR") == (0, 0)
    assert await refusal(shop.reserve(held)) == "hold-released"
    assert await refusal(shop.confirm(sold.key)) == "hold-released"
    bought = order(layout, "A-1-2")
    await shop.reserve(bought)
    assert len(await shop.confirm(bought.key)) == 1
    assert await shop.contradictions(layout) == []


async def test_a_key_released_before_it_was_reserved_stays_released(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 3}))
    late = order(layout, "A-1-1")

    assert await shop.release(late.key, layout.event.event_id) == 0
    assert await shop.release(late.key, layout.event.event_id) == 0

    assert await refusal(shop.reserve(late)) == "hold-released"
    assert await refusal(shop.confirm(late.key)) == "hold-released"
    assert await shop.release(new_id()) == 0


async def test_what_expired_is_freed_and_still_sold_if_nobody_took_it(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 4}, standing=2))
    lucky, unlucky = order(layout, "A-1-1", FLOOR=1), order(layout, "A-1-2", "A-1-3")
    await shop.handlers.reserve([lucky, unlucky])
    await shop.let_time_pass(lucky.key, unlucky.key)
    while await shop.handlers.expire_holds():
        pass
    assert set((await shop.states(layout)).values()) == {"f"}
    await shop.reserve(order(layout, "A-1-3"))

    assert len(await shop.confirm(lucky.key)) == 2
    assert await refusal(shop.confirm(unlucky.key)) == "hold-expired"
    assert await refusal(shop.reserve(unlucky)) == "seat-taken"

    assert await shop.states(layout) == {"A-1-1": "s", "A-1-2": "f", "A-1-3": "h", "A-1-4": "f"}
    assert await shop.counts(layout, "FLOOR") == (0, 1)


async def test_an_expired_hold_that_nobody_freed_yet_is_sold(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 1}))
    late = order(layout, "A-1-1")
    await shop.reserve(late)
    await shop.let_time_pass(late.key)

    assert len(await shop.confirm(late.key)) == 1


async def test_two_expired_holds_of_one_seat_are_sold_once(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 1}))
    one, other = order(layout, "A-1-1"), order(layout, "A-1-1")
    for late in (one, other):
        await shop.reserve(late)
        await shop.let_time_pass(late.key)
        while await shop.handlers.expire_holds():
            pass

    outcomes = await shop.handlers.confirm([Sale(one.key, "b", USER), Sale(other.key, "c", USER)])

    assert reasons(outcomes) == ["", "hold-expired"]


async def test_a_hold_with_a_payment_in_flight_does_not_expire_until_it_is_extended(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 1}))
    paying = replace(order(layout, "A-1-1"), payment_in_flight=True)
    assert (await shop.reserve(paying)).expires_at is None
    until = datetime(2100, 1, 1, tzinfo=UTC)

    extended = told(await shop.handlers.extend([Extension(paying.key, until)]))

    assert extended.expires_at == until
    assert (await shop.reserve(paying)).expires_at == until
    await shop.let_time_pass(paying.key)
    while await shop.handlers.expire_holds():
        pass
    assert await shop.states(layout) == {"A-1-1": "f"}
    assert told(await shop.handlers.extend([Extension(paying.key, until + timedelta(days=1))])).places
    assert await shop.states(layout) == {"A-1-1": "h"}


async def test_a_key_taken_meanwhile_undoes_the_transaction(shop: Shop) -> None:
    layout = await shop.open(hall(rows={"1": 2}))
    first = order(layout, "A-1-1")
    async with shop.store.transaction() as tx:
        await tx.lock(event_ids={layout.event.event_id})
    await shop.reserve(first)

    async def write_the_same_key() -> None:
        async with shop.store.transaction() as tx:
            locked = await tx.lock(event_ids={layout.event.event_id})
            stock = Stock({(layout.event.event_id, "A-1-2"): "f"})
            same_key = replace(first, seat_ids=("A-1-2",))
            reserve([same_key], locked=locked, holds={}, stock=stock, lasts=timedelta(minutes=1))
            await tx.write(stock.changes)

    with pytest.raises(Raced):
        await write_the_same_key()

    assert await shop.states(layout) == {"A-1-1": "h", "A-1-2": "f"}
