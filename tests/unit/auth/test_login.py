"""Logging in, and what slows down those who guess."""

import asyncio

import pytest

from services.auth.domain import TooManyLogins, WrongCredentials
from services.kit.errors import Overloaded
from tests.unit.auth.conftest import Auth


async def guess(auth: Auth, times: int, **changed: str) -> list[type]:
    """What each guess with a wrong password is told."""
    told: list[type] = []
    for _ in range(times):
        with pytest.raises((WrongCredentials, TooManyLogins)) as refused:
            await auth.login(**({"password": "not the right one"} | changed))
        told.append(refused.type)
    return told


async def test_the_owner_gets_a_new_session(auth: Auth) -> None:
    registered = await auth.register()

    signed_in = await auth.login(email=" ADA@example.com ")

    assert signed_in.account == registered.account
    assert len(auth.store.state.sessions) == 2


async def test_an_unknown_account_and_a_wrong_password_are_told_the_same_after_the_same_work(auth: Auth) -> None:
    await auth.register()

    with pytest.raises(WrongCredentials) as wrong:
        await auth.login(password="not the right one")
    with pytest.raises(WrongCredentials) as unknown:
        await auth.login(email="nobody@example.com")

    assert str(wrong.value) == str(unknown.value)
    assert auth.passwords.looked_at == ["v1:a long enough one", None]


@pytest.mark.parametrize(
    "changed", [{"email": "a\x00@example.com"}, {"password": "x" * 129}, {"password": "\x00" * 10}]
)
async def test_what_nobody_can_have_is_wrong_without_a_look(auth: Auth, changed: dict[str, str]) -> None:
    with pytest.raises(WrongCredentials):
        await auth.login(**changed)

    assert auth.passwords.looked_at == []


async def test_after_five_failures_even_the_right_password_waits(auth: Auth) -> None:
    await auth.register()
    assert await guess(auth, 5) == [WrongCredentials] * 5

    with pytest.raises(TooManyLogins) as refused:
        await auth.login()

    assert refused.value.retry_after_s == 10
    auth.clock.advance(10)
    assert (await auth.login()).account.email == "ada@example.com"


async def test_an_account_that_does_not_exist_is_throttled_alike(auth: Auth) -> None:
    told = await guess(auth, 7, email="nobody@example.com")

    assert told == [WrongCredentials] * 5 + [TooManyLogins] * 2


async def test_each_further_failure_waits_twice_as_long_up_to_a_quarter_of_an_hour(auth: Auth) -> None:
    await guess(auth, 5, address="")
    waits = []

    for _ in range(9):
        with pytest.raises(TooManyLogins) as refused:
            await auth.login(address="")
        waits.append(refused.value.retry_after_s)
        auth.clock.advance(waits[-1])
        await guess(auth, 1, address="")

    assert waits == [10, 20, 40, 80, 160, 320, 640, 900, 900]


async def test_a_success_forgets_the_failures_before_it(auth: Auth) -> None:
    await auth.register()
    await guess(auth, 4)
    await auth.login()

    assert await guess(auth, 4) == [WrongCredentials] * 4


async def test_failures_are_forgotten_after_a_quarter_of_an_hour(auth: Auth) -> None:
    await guess(auth, 4)
    auth.clock.advance(900)

    assert await guess(auth, 4, address="192.0.2.7") == [WrongCredentials] * 4


async def test_guesses_at_once_do_not_slip_through(auth: Auth) -> None:
    told = await asyncio.gather(*(auth.login(password="wrong one, sorry") for _ in range(30)), return_exceptions=True)

    assert sum(isinstance(one, WrongCredentials) for one in told) == 5
    assert sum(isinstance(one, TooManyLogins) for one in told) == 25


async def test_an_address_that_guesses_at_many_accounts_is_throttled(auth: Auth) -> None:
    await auth.register()
    told = [await guess(auth, 1, email=f"b{number}@example.com", address="2001:db8::1") for number in range(9)]

    assert told == [[WrongCredentials]] * 8 + [[TooManyLogins]]
    with pytest.raises(TooManyLogins):
        await auth.login(address="2001:db8::2")
    await auth.login(address="2001:db8:1::1")


async def test_an_attempt_that_nobody_looked_at_does_not_count(auth: Auth) -> None:
    await auth.register()
    auth.passwords.overloaded = True
    for _ in range(20):
        with pytest.raises(Overloaded):
            await auth.login()
    auth.passwords.overloaded = False

    await auth.login()


async def test_a_hash_of_old_parameters_is_made_anew(auth: Auth) -> None:
    user_id = (await auth.register()).account.user_id
    auth.passwords.generation = "v2"

    await auth.login()

    assert auth.store.state.accounts[user_id].password_hash == "v2:a long enough one"
