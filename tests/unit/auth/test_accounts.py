"""Roles granted, tokens validated, and the administrator of the settings."""

import pytest

from services.auth.domain import Role, UnknownRole, UnknownUser
from services.kit.ids import new_id
from services.kit.tokens import InvalidToken
from tests.unit.auth.conftest import Auth


async def test_a_role_granted_twice_is_granted_once(auth: Auth) -> None:
    user_id = (await auth.register()).account.user_id

    for _ in range(2):
        account = await auth.handlers.grant_role(user_id, "admin")

    assert account.roles == (Role.BUYER, Role.ADMIN)


async def test_a_role_that_does_not_exist_is_refused(auth: Auth) -> None:
    user_id = (await auth.register()).account.user_id

    with pytest.raises(UnknownRole):
        await auth.handlers.grant_role(user_id, "root")


@pytest.mark.parametrize("user_id", [new_id(), "", "\x00", "test"])
async def test_nobody_is_granted_nothing(auth: Auth, user_id: str) -> None:
    with pytest.raises(UnknownUser):
        await auth.handlers.grant_role(user_id, "buyer")


async def test_a_token_tells_whose_it_is(auth: Auth) -> None:
    signed_in = await auth.register()

    account, expires_at = await auth.handlers.validate(signed_in.tokens.access.text)

    assert account == signed_in.account
    assert expires_at == signed_in.tokens.access.expires_at.timestamp()


@pytest.mark.parametrize("text", ["", "a.b.c", "\x00", "x" * 10_000])
async def test_what_is_no_token_of_ours_is_refused(auth: Auth, text: str) -> None:
    with pytest.raises(InvalidToken):
        await auth.handlers.validate(text)


async def test_a_token_of_another_platform_is_refused(auth: Auth) -> None:
    other = await Auth().register()

    with pytest.raises(InvalidToken):
        await auth.handlers.validate(other.tokens.access.text)


async def test_the_administrator_is_made_once(auth: Auth) -> None:
    for _ in range(2):
        assert await auth.handlers.ensure_admin("Root@example.com", "a long enough one")

    [account] = auth.store.state.accounts.values()
    assert account.roles == (Role.BUYER, Role.ADMIN)
    assert len(auth.store.state.published) == 1
    assert (await auth.login(email="root@example.com")).account == account


async def test_whoever_took_the_administrators_email_first_is_no_administrator(auth: Auth) -> None:
    registered = await auth.register(email="root@example.com")

    assert not await auth.handlers.ensure_admin("root@example.com", "another long one")

    assert auth.store.state.accounts[registered.account.user_id].roles == (Role.BUYER,)
