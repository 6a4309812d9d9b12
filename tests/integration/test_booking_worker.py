"""The worker over a real Redis, with a booking and a realtime that speak real gRPC."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from protos import queue
from protos.gen import booking_pb2, booking_pb2_grpc
from services.booking_worker.clients import OrderStream
from services.booking_worker.domain import Entry
from services.booking_worker.settings import BookingWorkerSettings
from services.kit.ids import new_id
from services.kit.redis import open_redis
from services.kit.rpc.client import Peer
from services.kit.settings import RedisSettings
from services.local.stores import Valkey
from tests.a_sale import Sale, a_sale
from tests.conftest import Stores
from tests.ports import free_port
from tests.twins.booking_server import serving_booking
from tests.waiting import until


@pytest.fixture
async def sale(stores: Stores) -> AsyncIterator[Sale]:
    async with a_sale(stores) as sale:
        yield sale


async def test_orders_of_an_event_are_worked_in_order_and_leave_the_line(sale: Sale) -> None:
    event_id = new_id()
    booking_ids = await sale.order(event_id, 250)
    await sale.open_booking()

    async with sale.worker():
        await sale.until_empty(event_id)
        await until(lambda: any(one.now_serving == 250 for one in sale.realtime.positions))

    assert sale.booking.heard[event_id] == booking_ids
    assert [result.booking.booking_id for result in sale.realtime.results] == booking_ids
    assert int(await sale.redis.get(queue.served(event_id))) == 250
    assert (await sale.redis.xpending(queue.stream(event_id), queue.GROUP))["pending"] == 0
    assert sale.realtime.positions[-1].last_number == 250
    assert await sale.redis.get(queue.lease(event_id)) is None


async def test_two_workers_share_the_events_and_keep_each_in_order(sale: Sale) -> None:
    events = [new_id() for _ in range(6)]
    sale.booking.answering.clear()
    await sale.open_booking()

    async with sale.worker(instance_id="a"), sale.worker(instance_id="b"):
        await until(sale.both_work)
        ordered = {event_id: await sale.order(event_id, 20) for event_id in events}
        await until(lambda: sum(map(len, sale.booking.heard.values())) == 120)
        owners = [await sale.redis.get(queue.lease(event_id)) for event_id in events]
        for event_id in events:
            ordered[event_id] += await sale.order(event_id, 20)
        sale.booking.answering.set()
        for event_id in events:
            await sale.until_empty(event_id)

    by_worker = Counter(owner.partition(b"/")[0] for owner in owners if owner)
    assert by_worker == {b"a": 3, b"b": 3}
    assert sale.booking.heard == ordered
    assert set(sale.booking.sent.values()) == {1}


async def test_events_that_many_want_leave_room_for_one_that_few_want(sale: Sale) -> None:
    hot, quiet = [new_id(), new_id()], new_id()
    for event_id in hot:
        await sale.order(event_id, 300)
    sale.booking.answering.clear()
    await sale.open_booking()

    async with sale.worker(max_in_flight=20, max_in_flight_per_event=10, linger_s=0.0):
        await until(lambda: sum(map(len, sale.booking.heard.values())) == 20)
        (wanted,) = await sale.order(quiet, 1)
        await until(lambda: sale.redis.get(queue.lease(quiet)))
        sale.booking.answering.set()
        for event_id in (*hot, quiet):
            await sale.until_empty(event_id)

    # Not behind the six hundred that had come before it, of other events.
    assert list(sale.booking.sent).index(wanted) < 100


async def test_what_a_killed_worker_held_another_finishes_and_nobody_hears_twice_of_it(sale: Sale) -> None:
    event_id = new_id()
    booking_ids = await sale.order(event_id, 30)
    sale.booking.answering.clear()
    await sale.open_booking()
    doomed = await sale.worker_process()
    await until(lambda: len(sale.booking.heard.get(event_id, ())) == 30)

    doomed.kill()
    await doomed.wait()
    booking_ids += await sale.order(event_id, 5)
    sale.booking.answering.set()
    async with sale.worker():
        await sale.until_empty(event_id)

    assert sale.booking.heard[event_id] == booking_ids
    assert Counter(result.booking.booking_id for result in sale.realtime.results) == Counter(booking_ids)
    assert int(await sale.redis.get(queue.served(event_id))) == 35


async def test_a_worker_that_was_killed_goes_on_when_it_is_back_and_not_after_its_lease(sale: Sale) -> None:
    event_id = new_id()
    booking_ids = await sale.order(event_id, 3)
    sale.booking.answering.clear()
    await sale.open_booking()
    doomed = await sale.worker_process(instance_id="worker", lease_s=120.0)
    await until(lambda: len(sale.booking.heard.get(event_id, ())) == 3)

    doomed.kill()
    await doomed.wait()
    sale.booking.answering.set()
    booking_ids += await sale.order(event_id, 2)
    async with sale.worker(instance_id="worker", lease_s=120.0):
        await sale.until_empty(event_id)

    assert sale.booking.heard[event_id] == booking_ids


async def test_a_worker_told_to_stop_finishes_what_it_took(sale: Sale) -> None:
    event_id = new_id()
    booking_ids = await sale.order(event_id, 10)
    sale.booking.answering.clear()
    await sale.open_booking()
    port = free_port()
    process = await sale.worker_process(port)
    await until(lambda: len(sale.booking.heard.get(event_id, ())) == 10)

    process.terminate()
    await until(partial(is_stopping, port))
    await sale.order(event_id, 5)
    sale.booking.answering.set()
    assert await process.wait() == 0

    assert sale.booking.heard[event_id] == booking_ids
    assert await sale.redis.xlen(queue.stream(event_id)) == 5
    assert await sale.redis.get(queue.lease(event_id)) is None


async def is_stopping(metrics_port: int) -> bool:
    try:
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{metrics_port}/health") as answer:
            return answer.status != 200
    except aiohttp.ClientError:
        return True


async def test_a_booking_that_is_away_is_waited_for(sale: Sale) -> None:
    event_id = new_id()
    booking_ids = await sale.order(event_id, 10)

    async with sale.worker() as settings:
        await _until_health(settings, booking="DOWN")
        await sale.open_booking()
        await sale.until_empty(event_id)

    assert sale.booking.heard[event_id] == booking_ids


async def test_a_booking_that_comes_back_is_up_though_nobody_orders(sale: Sale) -> None:
    async with sale.worker() as settings:
        await _until_health(settings, booking="DOWN")
        await sale.open_booking()

        await _until_health(settings, booking="UP")


async def _until_health(settings: BookingWorkerSettings, **parts: str) -> None:
    """A worker without booking is ready all the same: the line waits in Redis."""

    async def says_so() -> bool:
        url = f"http://127.0.0.1:{settings.metrics_port}/health"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            components = (await answer.json())["components"]
            return answer.status == 200 and all(components[name]["status"] == parts[name] for name in parts)

    await until(says_so)


async def test_a_booking_that_dies_under_the_orders_gets_them_again(sale: Sale) -> None:
    event_id = new_id()
    booking_ids = await sale.order(event_id, 10)
    sale.booking.answering.clear()

    async with sale.worker():
        async with serving_booking(sale.booking, sale.booking_port):
            await until(lambda: len(sale.booking.heard.get(event_id, ())) == 10)
        sale.booking.answering.set()
        await sale.open_booking()
        await sale.until_empty(event_id)

    assert sale.booking.heard[event_id] == booking_ids
    assert set(sale.booking.sent.values()) == {2}
    assert len(sale.realtime.results) == 10


async def test_a_stream_that_is_renewed_loses_and_repeats_nothing(sale: Sale) -> None:
    await sale.open_booking()
    answered: list[str] = []
    peer = Peer(
        "booking",
        f"127.0.0.1:{sale.booking_port}",
        booking_pb2_grpc.BookingServiceStub,
        service="booking.BookingService",
    )
    stream = OrderStream(peer, lambda outcomes: answered.extend(name for name, _ in outcomes), lives_s=0.03)
    running_stream = asyncio.create_task(stream.run())
    entries = [_entry(number) for number in range(200)]

    for entry in entries:
        stream.submit([entry])
        await asyncio.sleep(0.002)
    await until(lambda: len(answered) >= len(entries))

    assert sorted(answered) == sorted(entry.booking_id for entry in entries)
    assert sale.booking.heard["e"] == [entry.booking_id for entry in entries]
    assert set(sale.booking.sent.values()) == {1}
    running_stream.cancel()
    await asyncio.gather(running_stream, return_exceptions=True)
    await peer.close()


def _entry(number: int) -> Entry:
    order = booking_pb2.CreateBookingRequest(booking_id=new_id(), user_id="buyer", event_id="e")
    return Entry(
        event_id="e",
        entry_id=f"{number}-0",
        number=number,
        queued_ms=0,
        booking_id=order.booking_id,
        user_id="buyer",
        order=order.SerializeToString(),
    )


async def test_an_order_its_buyer_cancelled_is_not_worked(sale: Sale) -> None:
    event_id = new_id()
    first, unwanted, last = await sale.order(event_id, 3)
    await sale.redis.hset(queue.record(unwanted), queue.RECORD_CANCELLED, "1")
    await sale.open_booking()

    async with sale.worker():
        await sale.until_empty(event_id)

    told = sale.realtime.told(unwanted)
    assert sale.booking.heard[event_id] == [first, last]
    assert [(one.user_id, one.booking.status, one.booking.reason) for one in told] == [
        ("buyer", booking_pb2.CANCELLED, "cancelled-by-buyer")
    ]
    assert await sale.redis.hget(queue.record(unwanted), queue.RECORD_STATUS) == b"CANCELLED"
    assert int(await sale.redis.get(queue.served(event_id))) == 3


async def test_an_order_cancelled_on_its_way_is_given_back(sale: Sale) -> None:
    event_id = new_id()
    (unwanted,) = await sale.order(event_id)
    sale.booking.answering.clear()
    await sale.open_booking()

    async with sale.worker():
        await until(lambda: sale.booking.sent[unwanted] == 1)
        await sale.redis.hset(queue.record(unwanted), queue.RECORD_CANCELLED, "1")
        sale.booking.answering.set()
        await sale.until_empty(event_id)

    assert sale.booking.bookings[unwanted].status == booking_pb2.CANCELLED
    assert [one.booking.status for one in sale.realtime.told(unwanted)] == [booking_pb2.CANCELLED]


async def test_an_order_cancelled_when_its_worker_died_is_given_back_if_booking_has_it(sale: Sale) -> None:
    event_id = new_id()
    sold, waiting = await sale.order(event_id, 2)
    sale.booking.answering.clear()
    await sale.open_booking()
    doomed = await sale.worker_process()
    await until(lambda: sale.booking.sent[waiting] == 1)

    doomed.kill()
    await doomed.wait()
    await sale.redis.hset(queue.record(sold), queue.RECORD_CANCELLED, "1")
    sale.booking.answering.set()
    async with sale.worker():
        await sale.until_empty(event_id)

    assert sale.booking.bookings[sold].status == booking_pb2.CANCELLED
    assert sale.booking.bookings[waiting].status == booking_pb2.CONFIRMED
    assert sale.realtime.told(sold)[-1].booking.status == booking_pb2.CANCELLED


async def test_what_cannot_be_worked_is_kept_aside_and_holds_up_nobody(sale: Sale) -> None:
    event_id, elsewhere = new_id(), new_id()
    stream = queue.stream(event_id)
    stray = booking_pb2.CreateBookingRequest(booking_id=new_id(), user_id="buyer", event_id=elsewhere)
    await sale.redis.xadd(stream, {queue.ORDER: b"\xff\xff", queue.NUMBER: 1})
    await sale.redis.xadd(stream, {"something": "else"})
    await sale.redis.xadd(stream, {queue.ORDER: stray.SerializeToString(), queue.NUMBER: 2})
    await sale.redis.xadd(stream, {queue.ORDER: stray.SerializeToString(), queue.NUMBER: b"9" * 40})
    huge = booking_pb2.CreateBookingRequest(booking_id=new_id(), user_id="buyer", event_id=event_id)
    huge.seat_ids.extend(["s" * 1000] * 100)
    await sale.redis.xadd(stream, {queue.ORDER: huge.SerializeToString(), queue.NUMBER: 3})
    (good,) = await sale.order(event_id)
    await sale.open_booking()

    async with sale.worker():
        await sale.until_empty(event_id)

    assert await sale.dead_letters(event_id) == [
        b"unreadable-order",
        b"no-order",
        b"wrong-event",
        b"wrong-event",
        b"oversized-order",
    ]
    assert sale.booking.heard[event_id] == [good]
    assert {one.booking.status for one in sale.realtime.told(stray.booking_id)} == {booking_pb2.REJECTED}


async def test_what_booking_cannot_decide_is_sent_again(sale: Sale) -> None:
    event_id = new_id()
    (slow,) = await sale.order(event_id)
    sale.booking.later[slow] = 2
    await sale.open_booking()

    async with sale.worker():
        await sale.until_empty(event_id)

    assert sale.booking.sent[slow] == 3
    assert [one.booking.status for one in sale.realtime.told(slow)] == [booking_pb2.CONFIRMED]


async def test_what_booking_never_decides_is_kept_aside_and_its_buyer_asked_to_try_again(sale: Sale) -> None:
    event_id = new_id()
    hopeless, good = await sale.order(event_id, 2)
    sale.booking.later[hopeless] = 1_000
    await sale.open_booking()

    async with sale.worker(max_tries=2):
        await sale.until_empty(event_id)

    (told,) = sale.realtime.told(hopeless)
    assert sale.booking.sent[hopeless] == 2
    assert await sale.dead_letters(event_id) == [b"not-decided:dependency-down"]
    assert (told.booking.status, told.booking.reason) == (booking_pb2.REJECTED, "try-again")
    assert len(sale.realtime.told(good)) == 1


async def test_a_fault_of_booking_ends_neither_the_worker_nor_the_line(sale: Sale) -> None:
    event_id = new_id()
    hopeless, unwanted, good = await sale.order(event_id, 3)
    sale.booking.later[hopeless] = 1_000
    sale.booking.later[unwanted] = 1
    await sale.open_booking()

    async with sale.worker(max_tries=4):
        await until(lambda: sale.booking.sent[unwanted] == 1)
        sale.booking.faults = 2
        await sale.redis.hset(queue.record(unwanted), queue.RECORD_CANCELLED, "1")
        await sale.until_empty(event_id)

    assert sale.booking.faults == 0
    assert [one.booking.reason for one in sale.realtime.told(hopeless)] == ["try-again"]
    assert sale.booking.bookings[unwanted].status == booking_pb2.CANCELLED
    assert sale.booking.bookings[good].status == booking_pb2.CONFIRMED


async def test_a_refused_order_is_rejected_with_its_reason(sale: Sale) -> None:
    event_id = new_id()
    (bad,) = await sale.order(event_id)
    sale.booking.refused[bad] = "invalid-argument"
    await sale.open_booking()

    async with sale.worker():
        await sale.until_empty(event_id)

    assert [one.booking.reason for one in sale.realtime.told(bad)] == ["invalid-argument"]
    assert await sale.redis.hget(queue.record(bad), queue.RECORD_REASON) == b"invalid-argument"


async def test_a_realtime_that_is_away_holds_up_nobody(sale: Sale) -> None:
    event_id = new_id()
    await sale.order(event_id, 100)
    await sale.open_booking()

    async with sale.worker(realtime_service_url=f"127.0.0.1:{free_port()}"):
        await sale.until_empty(event_id)

    assert len(sale.booking.bookings) == 100
    # One batch was tried, and the others were not kept waiting for that.
    assert int(await sale.redis.get(queue.served(event_id))) == 100


async def test_a_worker_survives_redis(sale: Sale, tmp_path: Path) -> None:
    port, event_id = free_port(), new_id()
    await sale.open_booking()
    async with AsyncExitStack() as stack:
        valkey = await stack.enter_async_context(AsyncExitStack())
        worker = await stack.enter_async_context(AsyncExitStack())
        await worker.enter_async_context(sale.worker(redis_port=port))
        await valkey.enter_async_context(Valkey(tmp_path, port=port))
        sale.redis = open_redis(RedisSettings(redis_host="127.0.0.1", redis_port=port), name="test")
        stack.push_async_callback(sale.redis.aclose)
        before = await sale.order(event_id, 3)
        await sale.until_empty(event_id)

        sale.booking.answering.clear()
        during = await sale.order(event_id, 3)
        await until(lambda: len(sale.booking.heard[event_id]) == 6)
        await valkey.aclose()
        sale.booking.answering.set()
        await valkey.enter_async_context(Valkey(tmp_path, port=port))
        await sale.redis.connection_pool.disconnect()
        await sale.until_empty(event_id)

        assert sale.booking.heard[event_id] == before + during
        assert Counter(one.booking.booking_id for one in sale.realtime.results).keys() == set(before + during)
        await worker.aclose()
