"""What a store of bookings promises, held to by the twin and by PostgreSQL alike."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.booking.domain import Booking, NextAction, Order, Status
from services.booking.ports import Store
from services.booking.repository import PostgresStore
from services.booking.saga import MOST_RESTS, Progress
from services.kit.clock import utc_now
from services.kit.database.engine import open_engine
from services.kit.ids import new_id
from tests.conftest import Stores, database_settings
from tests.twins.booking_store import MemoryBookingStore, Rows

AT = datetime(2030, 1, 1, tzinfo=UTC)

type Process = Callable[[str], Store]


@pytest.fixture
async def process(real_stores: Stores | None) -> AsyncIterator[Process]:
    """Opens the store as the process of that name sees it."""
    if real_stores is None:
        rows = Rows()
        yield lambda me: MemoryBookingStore(rows, me=me)
        return
    engine = open_engine(database_settings("booking", real_stores))
    yield lambda me: PostgresStore(engine, me=me)
    await engine.dispose()


def pending(**changed: object) -> Progress:
    fields = {"booking_id": new_id(), "user_id": new_id(), "event_id": new_id(), "seat_ids": ("A-1-1",)}
    order = Order(**(fields | changed))
    return Progress(booking=Booking(order=order, status=Status.PENDING, created_at=AT, updated_at=AT))


def waiting(progress: Progress, *, until: datetime) -> Progress:
    action = NextAction(type="redirect", url="https://psp.example")
    booking = progress.booking.awaiting("p1", action, until=until, at=AT)
    return replace(progress, booking=booking, rests_until=utc_now() - timedelta(seconds=1))


async def add(store: Store, *progresses: Progress) -> list[Progress]:
    """Each with its lease."""
    async with store.transaction() as bookings:
        added = await bookings.add(progresses)
    return [added.get(one.booking.id, one) for one in progresses]


async def save(store: Store, *progresses: Progress) -> set[str]:
    async with store.transaction() as bookings:
        return await bookings.save(progresses)


async def test_a_booking_comes_back_as_it_was_kept(process: Process) -> None:
    store, progress = process("one/1"), pending()
    (progress,) = await add(store, progress)

    async with store.transaction() as bookings:
        found = await bookings.find([progress.booking.id, new_id()])

    assert found == {progress.booking.id: progress}


async def test_a_known_booking_is_not_added_again(process: Process) -> None:
    store, progress = process("one/1"), pending()
    other = pending(booking_id=progress.booking.id)

    first, again = await add(store, progress), await add(store, other)

    assert first[0].lease
    assert not again[0].lease
    async with store.transaction() as bookings:
        assert (await bookings.find([progress.booking.id]))[progress.booking.id] == progress


async def test_only_who_leased_a_booking_saves_it(process: Process) -> None:
    progress = pending()
    (progress,) = await add(process("one/1"), progress)

    assert await save(process("one/1"), replace(progress, lease="").at_step(1)) == set()
    assert await save(process("one/1"), replace(progress, lease="two/1/1").at_step(1)) == set()
    assert await save(process("one/1"), progress.at_step(1)) == {progress.booking.id}


async def test_a_decided_booking_is_saved_once(process: Process) -> None:
    store, progress = process("one/1"), pending()
    (progress,) = await add(store, progress)
    rejected = progress.having(progress.booking.rejected("seat-taken", at=AT))

    assert await save(store, rejected) == {progress.booking.id}
    assert await save(store, rejected) == set()


async def test_a_restarted_process_goes_on_with_what_it_had_and_leaves_what_others_have(process: Process) -> None:
    mine, theirs = pending(), pending()
    (mine,) = await add(process("one/1"), mine)
    (theirs,) = await add(process("two/1"), theirs)

    async with process("one/2").transaction() as bookings:
        found = {one.booking.id for one in await bookings.undecided(limit=1000)}

    assert mine.booking.id in found
    assert theirs.booking.id not in found


async def test_a_saga_that_rests_is_left_alone_until_it_has_rested(process: Process) -> None:
    store, resting, rested = process("one/1"), pending(), pending()
    resting, rested = await add(store, resting, rested)
    await save(
        store,
        replace(resting, rests=1, rests_until=utc_now() + timedelta(minutes=1)),
        replace(rested, rests=1, rests_until=utc_now() - timedelta(minutes=1)),
    )

    async with store.transaction() as bookings:
        found = {one.booking.id for one in await bookings.undecided(limit=1000)}

    assert rested.booking.id in found
    assert resting.booking.id not in found


async def test_a_decided_booking_is_taken_for_the_statuses_asked_for(process: Process) -> None:
    store, progress = process("one/1"), pending()
    (progress,) = await add(store, progress)

    async with store.transaction() as bookings:
        assert await bookings.take(progress.booking.id, {Status.CONFIRMED}) is None
    await save(store, progress.having(progress.booking.confirmed([], at=AT)))
    async with process("two/1").transaction() as bookings:
        assert await bookings.take(progress.booking.id, {Status.CONFIRMED}) is not None


async def test_bookings_of_a_user_come_newest_first_in_pages(process: Process) -> None:
    store, user_id = process("one/1"), new_id()
    mine = [pending(user_id=user_id) for _ in range(3)]
    await add(store, *mine, pending())

    async with store.transaction() as bookings:
        first = await bookings.of_user(user_id, before="", limit=2)
        second = await bookings.of_user(user_id, before=first[-1].id, limit=2)

    assert [one.id for one in (*first, *second)] == [one.booking.id for one in reversed(mine)]


async def test_confirmed_bookings_of_an_event_come_oldest_first_in_pages(process: Process) -> None:
    store, event_id = process("one/1"), new_id()
    added = await add(store, *(pending(event_id=event_id) for _ in range(4)), pending())
    sold = [one.having(one.booking.confirmed([], at=AT)) for one in (*added[:3], added[4])]
    await save(store, *sold)

    async with store.transaction() as bookings:
        first = await bookings.confirmed_of(event_id, after="", limit=2)
        second = await bookings.confirmed_of(event_id, after=first[-1].id, limit=2)

    assert [one.id for one in (*first, *second)] == [one.booking.id for one in sold[:3]]


async def test_who_waits_for_a_payment_is_found_looked_at_now_and_then_and_overdue_in_the_end(process: Process) -> None:
    store = process("one/1")
    early, late = pending(), pending()
    early, late = await add(store, early, late)
    await save(store, waiting(early, until=AT), waiting(late, until=AT + timedelta(days=1)))
    ids = {early.booking.id, late.booking.id}

    async with store.transaction() as bookings:
        assert set(await bookings.awaiting([*ids, new_id()])) == ids
        assert ids <= {one.booking.id for one in await bookings.to_look_at(limit=1000)}
        assert not ids & {one.booking.id for one in await bookings.to_look_at(limit=1000)}
        overdue = await bookings.overdue(now=AT + timedelta(hours=1), limit=1000)
    assert early.booking.id in overdue
    assert late.booking.id not in overdue


async def test_what_was_sold_of_a_cancelled_event_is_to_be_given_back(process: Process) -> None:
    store, event_id = process("one/1"), new_id()
    sold, open_ = pending(event_id=event_id), pending(event_id=event_id)
    sold, open_ = await add(store, sold, open_)
    await save(store, sold.having(sold.booking.confirmed([], at=AT)))

    async with store.transaction() as bookings:
        before = await bookings.to_give_back(limit=1000)
        for _ in range(2):
            await bookings.event_cancelled(event_id)
        after = await bookings.to_give_back(limit=1000)

    assert set(after) - set(before) == {sold.booking.id}


def parked(progress: Progress, why: str = "dependency-down: payment does not answer") -> Progress:
    for _ in range(MOST_RESTS):
        progress = progress.resting(why, now=utc_now())
    assert progress.booking.parked == why
    return progress


async def test_a_parked_saga_is_nobodys_until_a_person_gives_it_back(process: Process) -> None:
    store, left, kept = process("one/1"), pending(), pending()
    left, kept = await add(store, left, kept)
    await save(store, parked(left))

    async with process("one/2").transaction() as bookings:
        taken_up = {one.booking.id for one in await bookings.undecided(limit=1000)}
        found = {one.progress.booking.id: one.progress for one in await bookings.parked(limit=1000)}
        count = await bookings.count_parked()

    assert kept.booking.id in taken_up
    assert left.booking.id not in taken_up
    assert found[left.booking.id].booking.parked == "dependency-down: payment does not answer"
    assert count == len(found)
    assert await save(store, left) == set()


async def test_a_person_resumes_those_that_are_named_and_only_parked_ones(process: Process) -> None:
    store, first, second, working = process("one/1"), pending(), pending(), pending()
    first, second, working = await add(store, first, second, working)
    await save(store, parked(first), parked(second))

    async with process("two/1").transaction() as bookings:
        taken = await bookings.take_parked([first.booking.id, working.booking.id], limit=10)
        await bookings.save([one.resumed(now=utc_now() - timedelta(seconds=1)) for one in taken])
    async with process("two/1").transaction() as bookings:
        taken_up = {one.booking.id: one for one in await bookings.undecided(limit=1000)}
        still = {one.progress.booking.id for one in await bookings.parked(limit=1000)}

    assert [one.booking.id for one in taken] == [first.booking.id]
    assert (taken_up[first.booking.id].booking.parked, taken_up[first.booking.id].rests) == ("", 0)
    assert second.booking.id in still
    assert first.booking.id not in still


async def test_who_waits_for_another_card_does_not_wait_for_a_payment(process: Process) -> None:
    store, progress = process("one/1"), pending()
    (progress,) = await add(store, progress)
    declined = replace(progress, booking=progress.booking.declined("card-declined", at=AT), rests_until=None)
    await save(store, declined)

    async with store.transaction() as bookings:
        assert await bookings.awaiting([progress.booking.id]) == []
        looked_at = {one.booking.id for one in await bookings.to_look_at(limit=1000)}
        assert await bookings.take(progress.booking.id, {Status.AWAITING_PAYMENT}) == declined

    assert progress.booking.id not in looked_at


async def test_who_takes_a_booking_anew_shuts_out_whoever_worked_it_before_in_the_same_process(
    process: Process,
) -> None:
    store, progress = process("one/1"), pending()
    (first,) = await add(store, progress)
    await save(store, first.having(first.booking.confirmed([], at=AT)))

    async with store.transaction() as bookings:
        second = await bookings.take(progress.booking.id, {Status.CONFIRMED})
        assert second is not None
        cancelling = second.having(second.booking.cancelling("cancelled-by-buyer", at=AT))
        await bookings.save([cancelling])

    assert await save(store, first.at_step(2)) == set()
    assert await save(store, cancelling) == {progress.booking.id}


async def test_who_has_rested_is_taken_up_once(process: Process) -> None:
    store, progress = process("one/1"), pending()
    (leased,) = await add(store, progress)
    await save(store, replace(leased, rests=1, rests_until=utc_now() - timedelta(minutes=1)))

    async with store.transaction() as bookings:
        first = {one.booking.id: one for one in await bookings.undecided(limit=1000)}
    async with store.transaction() as bookings:
        second = {one.booking.id for one in await bookings.undecided(limit=1000)}
        await bookings.renew_leases({progress.booking.id: first[progress.booking.id].lease})

    assert progress.booking.id not in second
    assert await save(store, leased) == set()
    assert await save(store, first[progress.booking.id].at_step(1)) == {progress.booking.id}
