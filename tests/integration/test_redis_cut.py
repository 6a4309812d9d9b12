"""A connection to Redis that is cut in the moment in which a command is written, on the loop that services run on."""

from __future__ import annotations

from typing import Any

import pytest
import uvloop

from services.kit.errors import DependencyDown
from services.kit.redis import open_redis, ping, redis_errors
from services.kit.settings import RedisSettings
from tests.conftest import Stores
from tests.waiting import until


def test_a_connection_that_is_cut_under_a_command_is_redis_away_and_the_next_one_is_made_anew(stores: Stores) -> None:
    async def cut_and_ask() -> None:
        redis = open_redis(RedisSettings(**stores.settings()), name="test")
        # Without a pool, which looks at a connection before it lends it: this one is cut just after the look.
        single = await redis.client().initialize()
        await ping(single)
        connection: Any = single.connection
        transport = connection._writer.transport
        transport.abort()
        await until(lambda: "closed=True" in repr(transport))
        with pytest.raises(DependencyDown):
            await ping(single)
        await ping(single)
        await single.aclose()
        await redis.aclose()

    uvloop.run(cut_and_ask())


def test_a_fault_of_ours_is_not_taken_for_a_redis_that_is_away() -> None:
    with pytest.raises(RuntimeError, match="a bug"), redis_errors():
        raise RuntimeError("a bug")
