"""What the gateway relies on from the line of an event, proved for Redis and for its twin alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from protos import queue as names
from services.gateway.domain import KeyReused, Order, Queued, QueueFull
from services.gateway.ports import Queue
from services.gateway.repository import RedisQueue
from services.kit.ids import new_id
from services.kit.redis import open_redis
from services.kit.settings import RedisSettings
from services.local.stores import Valkey
from tests.ports import free_port
from tests.twins.order_queue import MemoryQueue

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
LIMIT = 5


class Line(Queue, Protocol):
    async def serve(self, event_id: str, number: int) -> None:
        """What the worker does: every order up to that number has its outcome."""

    async def end(self, booking_id: str, ended: Literal["rejected", "cancelled"], reason: str) -> None:
        """What the worker records of an order that booking never knew."""


class RedisLine(RedisQueue):
    async def serve(self, event_id: str, number: int) -> None:
        await self._redis.set(names.served(event_id), number)

    async def end(self, booking_id: str, ended: Literal["rejected", "cancelled"], reason: str) -> None:
        recorded = {names.RECORD_STATUS: ended.upper(), names.RECORD_REASON: reason}
        await self._redis.hset(names.record(booking_id), mapping=recorded)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey(tmp_path_factory) -> AsyncIterator[Valkey]:
    home: Path = tmp_path_factory.mktemp("queue")
    async with Valkey(home / "valkey", port=free_port()) as valkey:
        yield valkey


@pytest.fixture(params=["twin", "real"])
def store(request: pytest.FixtureRequest) -> Valkey | None:
    """None: the twin. Asked for here, outside any event loop, where a store can be started."""
    return None if request.param == "twin" else request.getfixturevalue("valkey")


@pytest.fixture
async def line(store: Valkey | None) -> AsyncIterator[Line]:
    if store is None:
        yield MemoryQueue(lambda: NOW, limit=LIMIT)
        return
    redis = open_redis(RedisSettings(redis_host="127.0.0.1", redis_port=urlsplit(store.url).port), name="contract")
    yield RedisLine(redis, lambda: NOW, limit=LIMIT)
    await redis.aclose()


def order(**changed) -> Order:
    plain = Order(
        booking_id=new_id(),
        user_id=new_id(),
        event_id=new_id(),
        seats=("A-1-1",),
        areas={"FLOOR": 2},
        payment_method="",
        idempotency_key="",
        digest="",
        traceparent="",
    )
    return replace(plain, **changed)


async def placed(line: Line, *orders: Order) -> list[Queued]:
    outcomes = await line.place(orders)
    assert all(isinstance(outcome, Queued) for outcome in outcomes), outcomes
    return list(outcomes)


async def test_orders_of_an_event_are_numbered_in_their_order(line: Line) -> None:
    event_id = new_id()

    queued = await placed(line, *(order(event_id=event_id) for _ in range(3)), order())

    assert [one.line.number for one in queued] == [1, 2, 3, 1]
    assert {one.queued_at for one in queued} == {NOW}


async def test_the_same_booking_twice_is_one_order(line: Line) -> None:
    one = order()

    first, again = await placed(line, one, one)

    assert again == first


async def test_the_same_key_is_the_first_booking(line: Line) -> None:
    user_id, event_id = new_id(), new_id()
    first, second = (order(user_id=user_id, event_id=event_id, idempotency_key="k", digest="d") for _ in range(2))

    queued, again = await placed(line, first, second)

    assert again == queued
    assert await line.find(second.booking_id) is None
    assert (await line.repeated(second)) == queued


async def test_a_key_with_another_order_is_refused_alone(line: Line) -> None:
    first = order(idempotency_key="k", digest="d")
    other = replace(first, booking_id=new_id(), digest="e")

    outcomes = await line.place([first, other, order()])

    assert [type(outcome) for outcome in outcomes] == [Queued, KeyReused, Queued]
    with pytest.raises(KeyReused):
        await line.repeated(other)


async def test_a_line_is_bounded_by_who_still_waits(line: Line) -> None:
    event_id = new_id()
    await placed(line, *(order(event_id=event_id) for _ in range(LIMIT)))

    [full] = await line.place([order(event_id=event_id)])
    await line.serve(event_id, 1)
    [fits] = await placed(line, order(event_id=event_id))

    assert isinstance(full, QueueFull)
    assert (fits.line.number, fits.line.now_serving, fits.line.ahead) == (LIMIT + 1, 1, LIMIT - 1)


async def test_an_order_is_found_with_its_place(line: Line) -> None:
    one = order()
    await placed(line, one)

    found = await line.find(one.booking_id)

    assert found is not None
    assert (found.user_id, found.event_id, found.status, found.queued_at) == (one.user_id, one.event_id, "queued", NOW)
    assert await line.find(new_id()) is None


async def test_only_its_owner_cancels_what_waits(line: Line) -> None:
    one = order()
    await placed(line, one)

    stranger = await line.cancel(one.booking_id, user_id=new_id())
    owner = await line.cancel(one.booking_id, user_id=one.user_id)
    await line.serve(one.event_id, 1)
    again = await line.cancel(one.booking_id, user_id=one.user_id)

    assert stranger is None
    assert owner is not None
    assert again is not None
    assert (owner.status, again.status) == ("cancelling", "cancelled")


@pytest.mark.parametrize(("ended", "reason"), [("rejected", "try-again"), ("cancelled", "cancelled-by-buyer")])
async def test_what_the_worker_recorded_is_found_and_no_cancellation_changes_it(
    line: Line, ended: Literal["rejected", "cancelled"], reason: str
) -> None:
    one = order()
    await placed(line, one)
    await line.end(one.booking_id, ended, reason)
    await line.serve(one.event_id, 1)

    cancelled = await line.cancel(one.booking_id, user_id=one.user_id)
    found = await line.find(one.booking_id)

    assert found is not None
    assert (found.status, found.reason, found.cancelled) == (ended, reason, False)
    assert cancelled == found
    assert await line.cancel(one.booking_id, user_id=new_id()) is None


async def test_whose_turn_has_come_is_not_cancelled_in_the_line(line: Line) -> None:
    one = order()
    await placed(line, one)
    await line.serve(one.event_id, 1)

    assert await line.cancel(one.booking_id, user_id=one.user_id) is None
    assert await line.cancel(new_id(), user_id=one.user_id) is None
