"""What a throttle of logins promises, held to by the twin and by Redis alike."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import ClassVar

import pytest
from redis.asyncio import Redis

from services.auth.ports import Throttle
from services.auth.throttle import PREFIX, Limits, RedisThrottle
from services.kit.ids import new_id
from services.kit.redis import open_redis
from services.kit.settings import RedisSettings, ServiceSettings
from tests.conftest import Stores
from tests.twins.auth_clock import VirtualClock
from tests.twins.auth_throttle import LIMITS, MemoryThrottle

type Make = Callable[[Limits], Throttle]


class Settings(ServiceSettings, RedisSettings):
    service: ClassVar[str] = "auth"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def make(real_stores: Stores | None, clock: VirtualClock) -> AsyncIterator[Make]:
    if real_stores is None:
        yield lambda limits: MemoryThrottle(limits, clock)
        return
    redis = open_redis(Settings(**real_stores.settings()), name="auth")
    # Another key: other names than every other test's.
    hashing_key = new_id().encode()
    yield lambda limits: RedisThrottle(redis, hashing_key, limits, clock)
    await redis.aclose()


@pytest.fixture
def throttle(make: Make) -> Throttle:
    return make(LIMITS)


@pytest.fixture
async def redis(stores: Stores) -> AsyncIterator[Redis]:
    client = open_redis(Settings(**stores.settings()), name="auth")
    yield client
    await client.aclose()


async def test_redis_forgets_by_itself_and_does_not_know_who_it_was(redis: Redis, clock: VirtualClock) -> None:
    throttle = RedisThrottle(redis, b"a key", LIMITS, clock)
    await begin(throttle, 6, account="ada@example.com", address="192.0.2.1")
    await throttle.failed("192.0.2.1")

    names = [name async for name in redis.scan_iter(f"{PREFIX}*")]

    assert len(names) >= 2
    assert all([await redis.pttl(name) > 0 for name in names])
    assert not any(b"ada@" in name or b"192.0.2.1" in name for name in names)


async def begin(throttle: Throttle, times: int, *, account: str = "ada", address: str = "") -> list[float]:
    return [await throttle.begin(account, address) for _ in range(times)]


async def test_the_first_attempts_are_free(throttle: Throttle) -> None:
    assert await begin(throttle, 7) == [0, 0, 0, 0, 0, 10, 10]
    assert await throttle.begin("eve", "") == 0


async def test_each_attempt_after_them_waits_twice_as_long_up_to_a_bound(
    throttle: Throttle, clock: VirtualClock
) -> None:
    await begin(throttle, 5)
    waits = []

    for _ in range(9):
        waits.append(await throttle.begin("ada", ""))
        clock.advance(waits[-1])
        assert await throttle.begin("ada", "") == 0

    assert waits == [10, 20, 40, 80, 160, 320, 640, 900, 900]


async def test_waiting_in_vain_does_not_count(throttle: Throttle, clock: VirtualClock) -> None:
    await begin(throttle, 30)
    clock.advance(4)
    assert await throttle.begin("ada", "") == 6
    clock.advance(6)

    assert await begin(throttle, 2) == [0, 20]


async def test_of_many_at_once_only_the_free_ones_go_on(throttle: Throttle) -> None:
    waits = await asyncio.gather(*(throttle.begin("ada", "") for _ in range(40)))

    assert sum(wait == 0 for wait in waits) == 5


async def test_success_forgets(throttle: Throttle) -> None:
    await begin(throttle, 5)

    await throttle.succeeded("ada")

    assert await begin(throttle, 5) == [0] * 5


async def test_time_forgets(throttle: Throttle, clock: VirtualClock) -> None:
    await begin(throttle, 4)
    clock.advance(900)

    assert await begin(throttle, 6) == [0, 0, 0, 0, 0, 10]


async def test_what_was_no_guess_is_taken_back(throttle: Throttle) -> None:
    await throttle.undone("ada")
    for _ in range(20):
        assert await throttle.begin("ada", "") == 0
        await throttle.undone("ada")

    assert await begin(throttle, 6) == [0, 0, 0, 0, 0, 10]


async def test_an_address_has_its_own_limit_over_all_accounts(throttle: Throttle, clock: VirtualClock) -> None:
    for number in range(8):
        assert await throttle.begin(f"b{number}", "192.0.2.1") == 0
        await throttle.failed("192.0.2.1")
        clock.advance(1)

    assert await throttle.begin("ada", "192.0.2.1") == 892
    assert await throttle.begin("ada", "192.0.2.2") == 0
    assert await throttle.begin("ada", "") == 0
    clock.advance(892)
    assert await throttle.begin("ada", "192.0.2.1") == 0


async def test_an_address_is_held_to_its_failures_not_to_its_attempts(throttle: Throttle) -> None:
    waits = [await throttle.begin(f"b{number}", "192.0.2.1") for number in range(50)]

    assert waits == [0] * 50


async def test_zero_is_no_limit_for_addresses(make: Make) -> None:
    throttle = make(replace(LIMITS, address_failures=0))
    for _ in range(50):
        await throttle.failed("192.0.2.1")

    assert await throttle.begin("ada", "192.0.2.1") == 0


async def test_nobodys_address_is_not_counted(throttle: Throttle) -> None:
    for _ in range(50):
        await throttle.failed("")

    assert await throttle.begin("ada", "") == 0
