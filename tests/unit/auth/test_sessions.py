"""Refreshing, reuse, revoking."""

import asyncio

import pytest

from services.auth.domain import InvalidRefreshToken, Role, TokenReused, new_refresh_token
from services.kit.errors import DependencyDown
from tests.unit.auth.conftest import REFRESH_LASTS_S, Auth


@pytest.fixture
async def token(auth: Auth) -> str:
    return str((await auth.register()).tokens.refresh_token)


async def test_a_refresh_token_is_changed_for_the_next(auth: Auth, token: str) -> None:
    for _ in range(3):
        auth.clock.advance(600)
        pair = await auth.handlers.refresh(token)
        assert pair.refresh_token != token
        assert (pair.access.expires_at - auth.clock()).total_seconds() == 600
        token = pair.refresh_token

    assert len(auth.store.state.sessions) == 1


async def test_a_second_use_ends_the_session_for_whoever_holds_a_token_of_it(auth: Auth, token: str) -> None:
    youngest = (await auth.handlers.refresh(token)).refresh_token

    with pytest.raises(TokenReused):
        await auth.handlers.refresh(token)

    with pytest.raises(InvalidRefreshToken):
        await auth.handlers.refresh(youngest)


async def test_other_sessions_of_the_account_go_on(auth: Auth, token: str) -> None:
    other = (await auth.login()).tokens.refresh_token
    await auth.handlers.refresh(token)
    with pytest.raises(TokenReused):
        await auth.handlers.refresh(token)

    await auth.handlers.refresh(other)


async def test_of_many_refreshes_at_once_one_succeeds(auth: Auth, token: str) -> None:
    outcomes = await asyncio.gather(*(auth.handlers.refresh(token) for _ in range(20)), return_exceptions=True)

    assert sum(isinstance(outcome, TokenReused) for outcome in outcomes) == 19


@pytest.mark.parametrize("text", ["", "x", "\x00" * 43, "\ud800" * 43, "a" * 43, "a" * 100_000])
async def test_a_token_that_is_not_ours_is_refused(auth: Auth, text: str) -> None:
    with pytest.raises(InvalidRefreshToken):
        await auth.handlers.refresh(text)


async def test_a_token_expires(auth: Auth, token: str) -> None:
    auth.clock.advance(REFRESH_LASTS_S)

    with pytest.raises(InvalidRefreshToken):
        await auth.handlers.refresh(token)


async def test_a_revoked_session_gives_no_more_tokens(auth: Auth, token: str) -> None:
    for _ in range(2):
        await auth.handlers.revoke(token)

    with pytest.raises(InvalidRefreshToken):
        await auth.handlers.refresh(token)


async def test_revoking_what_is_not_there_is_done(auth: Auth) -> None:
    await auth.handlers.revoke(new_refresh_token())
    await auth.handlers.revoke("\x00")


async def test_a_refresh_that_nobody_knows_of_may_be_asked_again(auth: Auth, token: str) -> None:
    auth.store.away = True
    auth.clock.advance(60)
    with pytest.raises(DependencyDown):
        await auth.handlers.refresh(token)
    auth.store.away = False

    await auth.handlers.refresh(token)


async def test_a_granted_role_is_in_the_next_token(auth: Auth) -> None:
    signed_in = await auth.register()
    await auth.handlers.grant_role(signed_in.account.user_id, "organiser")

    await auth.handlers.refresh(signed_in.tokens.refresh_token)

    assert auth.store.state.accounts[signed_in.account.user_id].roles == (Role.BUYER, Role.ORGANISER)
