"""What hashing of passwords promises, held to by the twin and by Argon2id alike."""

from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher

from services.auth.passwords import Argon2Passwords
from services.auth.ports import Passwords
from tests.twins.auth_passwords import MemoryPasswords


@pytest.fixture(params=["twin", "real"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Passwords, Passwords]]:
    """Those of yesterday and those of today, with other parameters."""
    if request.param == "twin":
        yield MemoryPasswords("v1"), MemoryPasswords("v2")
        return
    made = [
        Argon2Passwords(PasswordHasher(time_cost=cost, memory_cost=64, parallelism=1), threads=2, waiting=10)
        for cost in (1, 2)
    ]
    yield made[0], made[1]
    for one in made:
        one.close()


async def test_a_password_matches_its_hash_alone(both: tuple[Passwords, Passwords]) -> None:
    today = both[1]
    password_hash = await today.hash("a long enough one")

    assert await today.matches("a long enough one", password_hash)
    assert not await today.matches("a long enough One", password_hash)


async def test_nobodys_hash_matches_nothing(both: tuple[Passwords, Passwords]) -> None:
    assert not await both[1].matches("a long enough one", None)


async def test_a_hash_of_yesterday_still_matches_and_is_outdated(both: tuple[Passwords, Passwords]) -> None:
    yesterday, today = both
    password_hash = await yesterday.hash("a long enough one")

    assert await today.matches("a long enough one", password_hash)
    assert today.outdated(password_hash)
    assert not yesterday.outdated(password_hash)
