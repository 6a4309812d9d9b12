"""The line of an event when workers die over it: what the queue promises them, and what booking sees of it."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest

from protos import queue
from protos.gen import booking_pb2
from services.booking_worker.domain import ALONE_FROM, MAX_TAKEN
from services.booking_worker.repository import RedisQueue
from services.kit.ids import new_id
from tests.a_sale import Sale, a_sale
from tests.conftest import Stores
from tests.waiting import until

AT_ONCE = {"count": 100, "at_most": 100}


@pytest.fixture
async def sale(stores: Stores) -> AsyncIterator[Sale]:
    async with a_sale(stores) as sale:
        yield sale


def worker(sale: Sale, name: str, *, life: str = "1") -> RedisQueue:
    return RedisQueue(sale.redis, sale.redis, instance=name, life=life, lease_s=60)


async def taken_over(sale: Sale, event_id: str, name: str) -> RedisQueue:
    """A worker that has the lease of one that is gone."""
    await sale.redis.delete(queue.lease(event_id))
    successor = worker(sale, name)
    assert await successor.lease([event_id]) == [event_id]
    return successor


async def test_who_has_lost_the_lease_reads_and_claims_nothing(sale: Sale) -> None:
    event_id = new_id()
    first = await taken_over(sale, event_id, "first")
    booking_ids = await sale.order(event_id, 2)
    read = await first.read([event_id], count=1, at_most=1)

    second = await taken_over(sale, event_id, "second")

    assert not await first.read([event_id], **AT_ONCE)
    assert not (await first.claim(event_id)).entries
    claimed = await second.claim(event_id, taken_over=True)
    rest = await second.read([event_id], **AT_ONCE)
    assert [one.booking_id for one in (*read, *rest)] == booking_ids
    assert [(one.booking_id, one.taken) for one in claimed.entries] == [(booking_ids[0], 2)]


async def test_a_worker_that_starts_again_takes_what_its_last_life_had_and_that_life_takes_nothing_back(
    sale: Sale,
) -> None:
    event_id = new_id()
    first = await taken_over(sale, event_id, "worker")
    booking_ids = await sale.order(event_id, 2)
    await first.read([event_id], count=1, at_most=1)

    other, second = worker(sale, "worker-2"), worker(sale, "worker", life="2")
    await other.arrive()
    await second.arrive()

    assert await other.lease([event_id]) == []
    assert await second.lease([event_id]) == [event_id]
    # The first one did not die: it was frozen, or is the twin that should not be there.
    assert await first.renew([event_id]) == []
    assert await first.lease([event_id]) == []
    assert not await first.read([event_id], **AT_ONCE)
    assert not (await first.claim(event_id)).entries
    claimed = await second.claim(event_id, taken_over=True)
    rest = await second.read([event_id], **AT_ONCE)
    assert [one.booking_id for one in (*claimed.entries, *rest)] == booking_ids


async def test_a_worker_that_starts_again_is_counted_once(sale: Sale) -> None:
    lives = [worker(sale, "worker", life=life) for life in ("1", "2")]

    assert [await life.alive() for life in (*lives, worker(sale, "other"))] == [1, 1, 2]


async def test_an_event_without_orders_is_surveyed_no_more_until_somebody_orders(sale: Sale) -> None:
    event_id, quiet = new_id(), new_id()
    await sale.order(event_id)
    await sale.redis.sadd(queue.EVENTS, quiet)
    first = worker(sale, "first")

    surveyed = [one.event_id for one in await first.survey()]

    assert surveyed == [event_id]
    assert await sale.redis.smembers(queue.EVENTS) == {event_id.encode()}


async def test_reads_are_bounded_over_all_events(sale: Sale) -> None:
    events = [new_id() for _ in range(3)]
    first = worker(sale, "first")
    await first.lease(events)
    for event_id in events:
        await sale.order(event_id, 4)

    read = await first.read(events, count=3, at_most=7)

    assert len(read) == 7
    assert len(await first.read(events, count=3, at_most=7)) == 5


async def test_lines_of_a_redis_that_was_emptied_are_read_from_their_beginning(sale: Sale) -> None:
    event_id = new_id()
    first = await taken_over(sale, event_id, "first")
    await sale.order(event_id)
    await first.read([event_id], **AT_ONCE)
    await sale.redis.delete(queue.stream(event_id))
    booking_ids = await sale.order(event_id, 3)

    read = await first.read([event_id], **AT_ONCE)

    assert [one.booking_id for one in read] == booking_ids


async def test_what_workers_die_over_is_handed_out_alone_and_the_rest_after_it(sale: Sale) -> None:
    event_id = new_id()
    booking_ids = await sale.order(event_id, 3)
    first = await taken_over(sale, event_id, "0")
    await first.read([event_id], **AT_ONCE)
    for number in range(1, ALONE_FROM):
        successor = await taken_over(sale, event_id, str(number))
        all_of_them = await successor.claim(event_id, taken_over=True)
        assert ([one.booking_id for one in all_of_them.entries], all_of_them.more) == (booking_ids, False)

    last = await taken_over(sale, event_id, "last")
    alone = await last.claim(event_id, taken_over=True)

    assert ([one.booking_id for one in alone.entries], alone.more) == (booking_ids[:1], True)


async def test_an_order_that_no_worker_survives_is_kept_aside_and_those_around_it_are_sold(sale: Sale) -> None:
    event_id = new_id()
    deadly, *harmless = await sale.order(event_id, 4)
    first = await taken_over(sale, event_id, "0")
    await first.read([event_id], **AT_ONCE)
    for number in range(1, MAX_TAKEN):
        successor = await taken_over(sale, event_id, str(number))
        await successor.claim(event_id, taken_over=True)
    await sale.redis.delete(queue.lease(event_id))
    await sale.open_booking()

    async with sale.worker():
        await sale.until_empty(event_id)

    assert await sale.dead_letters(event_id) == [b"not-decided:workers-died"]
    assert sale.booking.heard[event_id] == harmless
    assert [one.booking.reason for one in sale.realtime.told(deadly)] == ["try-again"]
    assert int(await sale.redis.get(queue.served(event_id))) == 4


EVENTS, ROUNDS, A_ROUND, WORKERS = 3, 12, 10, 3


@pytest.mark.parametrize("seed", [1, 2])
async def test_workers_killed_and_frozen_at_random_lose_nothing_and_keep_each_line_in_order(
    sale: Sale, seed: int
) -> None:
    dice = random.Random(seed)
    ordered: dict[str, list[str]] = {new_id(): [] for _ in range(EVENTS)}
    await sale.open_booking()

    async with AsyncExitStack() as stack:
        workers = [await sale.worker_process(instance_id=f"worker-{number}") for number in range(WORKERS)]
        stack.push_async_callback(end_all, workers)
        for number in range(ROUNDS):
            for event_id, booking_ids in ordered.items():
                booking_ids += await sale.order(event_id, A_ROUND)
            # Somewhere within the work on them.
            some = dice.randrange(number * EVENTS * A_ROUND, (number + 1) * EVENTS * A_ROUND)
            await until(lambda: heard(sale) >= some)  # noqa: B023 - called within the turn
            await strike(dice, workers, sale)
        for event_id in ordered:
            await sale.until_empty(event_id)

    assert sale.booking.heard == ordered
    for event_id, booking_ids in ordered.items():
        assert {one.booking.status for name in booking_ids for one in sale.realtime.told(name)} == {
            booking_pb2.CONFIRMED
        }
        assert all(sale.realtime.told(name) for name in booking_ids)
        assert await sale.dead_letters(event_id) == []
        assert int(await sale.redis.get(queue.served(event_id))) == len(booking_ids)
        assert (await sale.redis.xpending(queue.stream(event_id), queue.GROUP))["pending"] == 0


def heard(sale: Sale) -> int:
    return sum(map(len, sale.booking.heard.values()))


async def strike(dice: random.Random, workers: list[asyncio.subprocess.Process], sale: Sale) -> None:
    """One is killed and starts again; or it freezes until its leases are over, and then goes on.

    Or it freezes and starts again all the same: there are two of one name from then on.
    """
    chosen = dice.randrange(len(workers))
    struck, way = workers[chosen], dice.choice(("kill", "freeze", "twin"))
    if way == "kill":
        struck.kill()
        await struck.wait()
    else:
        struck.send_signal(signal.SIGSTOP)
        asyncio.get_running_loop().call_later(dice.uniform(0.5, 2.0), thaw, struck)
    if way != "freeze":
        workers[chosen] = await sale.worker_process(instance_id=f"worker-{chosen}")
    if way == "twin":
        workers.append(struck)


def thaw(frozen: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        frozen.send_signal(signal.SIGCONT)


async def end_all(workers: list[asyncio.subprocess.Process]) -> None:
    for process in workers:
        with suppress(ProcessLookupError):
            process.kill()
    await asyncio.gather(*(process.wait() for process in workers))
