"""Argon2id aside, with a bound on what waits."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher

from services.auth.passwords import Argon2Passwords
from services.kit.errors import Overloaded


@pytest.fixture
async def passwords() -> AsyncIterator[Argon2Passwords]:
    made = Argon2Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1), threads=1, waiting=3)
    yield made
    made.close()


async def test_more_than_may_wait_are_told_to_come_back(passwords: Argon2Passwords) -> None:
    outcomes = await asyncio.gather(*(passwords.hash("a password") for _ in range(10)), return_exceptions=True)

    assert sum(isinstance(outcome, Overloaded) for outcome in outcomes) == 6
    assert (await passwords.hash("a password")).startswith("$argon2id$")


async def test_whoever_leaves_makes_room(passwords: Argon2Passwords) -> None:
    waiting = [asyncio.create_task(passwords.hash("a password")) for _ in range(4)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    assert await passwords.hash("a password")


async def test_a_letter_is_the_same_however_it_was_typed(passwords: Argon2Passwords) -> None:
    assert await passwords.matches("cafe\u0301 cafe\u0301", await passwords.hash("caf\u00e9 caf\u00e9"))


async def test_a_hash_that_is_none_matches_nothing(passwords: Argon2Passwords) -> None:
    assert not await passwords.matches("a password", "not a hash")
