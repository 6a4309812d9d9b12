"""What the store that realtime's instances share promises, held to by the twin and by Redis alike."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from services.kit.ids import new_id
from services.kit.redis import open_redis
from services.kit.settings import RedisSettings
from services.realtime.domain import BEGINNING, UserMessage, cursor_text
from services.realtime.ports import Exchange
from services.realtime.repository import RedisExchange
from tests.conftest import Stores
from tests.twins.exchange import MemoryExchange


@pytest.fixture
async def exchange(real_stores: Stores | None) -> AsyncIterator[Exchange]:
    if real_stores is None:
        yield MemoryExchange()
        return
    redis = open_redis(RedisSettings(**real_stores.settings()), name="test")
    yield RedisExchange(redis)
    await redis.aclose()


def message(user_id: str, number: int = 1, *, dedupe: str = "", complete: bool = True) -> UserMessage:
    return UserMessage(user_id, "note", b'{"number":%d}' % number, dedupe, complete)


async def test_an_inbox_keeps_what_was_said_in_order_with_growing_cursors(exchange: Exchange) -> None:
    user_id = new_id()

    sent = await exchange.deliver([message(user_id, number) for number in range(5)])

    missed = await exchange.missed(user_id, BEGINNING)
    texts = [msgspec.json.decode(one.text) for one in missed]
    assert sent == [True] * 5
    assert [text["data"]["number"] for text in texts] == [0, 1, 2, 3, 4]
    assert [text["id"] for text in texts] == [cursor_text(one.cursor) for one in missed]
    assert [one.cursor for one in missed] == sorted({one.cursor for one in missed})
    assert await exchange.newest(user_id) == missed[-1].cursor


async def test_what_was_missed_begins_after_the_cursor(exchange: Exchange) -> None:
    user_id = new_id()
    await exchange.deliver([message(user_id, number) for number in range(3)])
    first, second, third = await exchange.missed(user_id, BEGINNING)

    assert await exchange.missed(user_id, first.cursor) == [second, third]
    assert await exchange.missed(user_id, third.cursor) == []


async def test_nobody_sees_anothers_inbox(exchange: Exchange) -> None:
    await exchange.deliver([message(new_id())])

    assert await exchange.missed(new_id(), BEGINNING) == []
    assert await exchange.newest(new_id()) == BEGINNING


async def test_a_key_is_new_once_for_each_user_also_within_a_batch(exchange: Exchange) -> None:
    one, other = new_id(), new_id()

    sent = await exchange.deliver([message(one, dedupe="k"), message(one, dedupe="k"), message(other, dedupe="k")])

    assert sent == [True, False, True]
    assert await exchange.deliver([message(one, dedupe="k"), message(one)]) == [False, True]


async def test_what_says_more_is_said_after_what_said_less_and_not_the_other_way_round(exchange: Exchange) -> None:
    user_id = new_id()
    less, more = message(user_id, dedupe="k", complete=False), message(user_id, dedupe="k")

    assert await exchange.deliver([less, less, more, more, less]) == [True, False, True, False, False]


async def test_many_messages_are_one_batch(exchange: Exchange) -> None:
    users = [new_id() for _ in range(1_100)]

    assert sum(await exchange.deliver([message(user_id) for user_id in users])) == 1_100


async def test_every_instance_that_reports_counts(exchange: Exchange) -> None:
    before = await exchange.cluster()

    await exchange.report(new_id(), connections=3)
    await exchange.report(new_id(), connections=4)

    after = await exchange.cluster()
    assert after.instances == before.instances + 2
    assert after.connections == before.connections + 7


async def test_an_event_without_orders_has_no_line(exchange: Exchange) -> None:
    assert await exchange.line(new_id()) is None
