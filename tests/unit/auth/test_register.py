"""Registering."""

import asyncio

import pytest

from services.auth.credentials import InvalidEmail, WeakPassword
from services.auth.domain import EmailTaken, OrganiserSignupClosed, Role, UnknownRole
from services.kit.errors import DependencyDown, Overloaded
from services.kit.ids import is_id
from tests.unit.auth.conftest import REFRESH_LASTS_S, Auth


async def test_whoever_registers_is_a_buyer_with_a_session(auth: Auth) -> None:
    signed_in = await auth.register(email=" Ada@Example.com", name=" Ada ")

    account, tokens = signed_in.account, signed_in.tokens
    assert is_id(account.user_id)
    assert (account.email, account.name, account.roles) == ("ada@example.com", "Ada", (Role.BUYER,))
    assert (tokens.refresh_expires_at - auth.clock()).total_seconds() == REFRESH_LASTS_S
    assert (await auth.handlers.refresh(tokens.refresh_token)).refresh_token != tokens.refresh_token


async def test_everybody_hears_of_who_registered(auth: Auth) -> None:
    account = (await auth.register()).account

    [fact] = auth.store.state.published
    assert (fact.user_id, fact.email, fact.name) == (account.user_id, "ada@example.com", "Ada")
    assert auth.outbox_grew == 1


async def test_an_email_is_registered_once_however_it_is_spelt(auth: Auth) -> None:
    await auth.register()

    with pytest.raises(EmailTaken):
        await auth.register(email="ADA@example.com")

    assert len(auth.store.state.published) == len(auth.store.state.sessions) == 1


async def test_of_many_at_once_with_one_email_one_registers(auth: Auth) -> None:
    outcomes = await asyncio.gather(*(auth.register() for _ in range(10)), return_exceptions=True)

    assert sum(isinstance(outcome, EmailTaken) for outcome in outcomes) == 9
    assert len(auth.store.state.accounts) == 1


async def test_an_organiser_is_a_buyer_too(auth: Auth) -> None:
    assert (await auth.register(role="organiser")).account.roles == (Role.BUYER, Role.ORGANISER)


async def test_organisers_can_not_sign_up_where_that_is_closed(closed: Auth) -> None:
    with pytest.raises(OrganiserSignupClosed):
        await closed.register(role="organiser")

    assert (await closed.register(role="buyer")).account.roles == (Role.BUYER,)


@pytest.mark.parametrize("role", ["admin", "ADMIN", "Buyer", "root", "\x00"])
async def test_nobody_gives_themselves_another_role(auth: Auth, role: str) -> None:
    with pytest.raises(UnknownRole):
        await auth.register(role=role)


async def test_bad_input_leaves_nothing_behind(auth: Auth) -> None:
    with pytest.raises(InvalidEmail):
        await auth.register(email="nobody")
    with pytest.raises(WeakPassword):
        await auth.register(password="password123")

    assert auth.store.state.accounts == {}


async def test_too_many_at_once_are_told_to_come_back(auth: Auth) -> None:
    auth.passwords.overloaded = True

    with pytest.raises(Overloaded):
        await auth.register()


async def test_without_the_database_nobody_knows(auth: Auth) -> None:
    auth.store.away = True

    with pytest.raises(DependencyDown):
        await auth.register()


async def test_the_password_is_nowhere_to_be_read(auth: Auth) -> None:
    signed_in = await auth.register()

    assert "a long enough one" not in repr(signed_in)
    assert signed_in.tokens.refresh_token not in repr(signed_in)
    assert signed_in.tokens.refresh_token.encode() not in auth.store.state.tokens
