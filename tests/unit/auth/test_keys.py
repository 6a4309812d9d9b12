"""Signing keys: made, published, changed, and agreed upon by replicas."""

import asyncio
import json
from datetime import timedelta

import jwt
import pytest

from services.auth.keyring import REREAD_S, KeyRing
from services.auth.signing import UnreadableKey, derive
from services.kit.errors import DependencyDown
from services.kit.tokens import AUDIENCE, ISSUER, TokenVerifier
from tests.unit.auth.conftest import ACCESS_LASTS_S, Auth


@pytest.fixture
async def account(auth: Auth):
    return (await auth.register()).account


async def token_of(auth: Auth, keys: KeyRing, account) -> str:
    return (await keys.signer())(account, auth.clock()).text


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def kids(keys: KeyRing) -> list[str]:
    return [row["kid"] for row in json.loads(await keys.jwks())["keys"]]


async def test_a_token_says_who_for_whom_and_how_long(auth: Auth, account) -> None:
    token = await token_of(auth, auth.keys, account)

    claims = jwt.decode(token, options={"verify_signature": False})
    assert jwt.get_unverified_header(token)["alg"] == "EdDSA"
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, AUDIENCE, account.user_id)
    assert claims["roles"] == ["buyer"]
    assert claims["exp"] - claims["iat"] == ACCESS_LASTS_S
    assert (
        claims["jti"]
        != jwt.decode(await token_of(auth, auth.keys, account), options={"verify_signature": False})["jti"]
    )


async def test_everyone_verifies_with_the_published_keys(auth: Auth, account) -> None:
    identity = await TokenVerifier(auth.keys.jwks).verify(await token_of(auth, auth.keys, account))

    assert (identity.user_id, identity.roles) == (account.user_id, frozenset({"buyer"}))


async def test_only_public_halves_are_published(auth: Auth) -> None:
    [row] = json.loads(await auth.keys.jwks())["keys"]

    assert row.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (row["kty"], row["crv"], row["use"], row["alg"]) == ("OKP", "Ed25519", "sig", "EdDSA")


async def test_replicas_that_start_together_make_one_key(auth: Auth) -> None:
    replicas = [auth.key_ring() for _ in range(5)]

    published = await asyncio.gather(*(kids(replica) for replica in replicas))

    assert len({tuple(one) for one in published}) == len(published[0]) == 1


async def test_a_new_key_is_published_before_it_signs(auth: Auth, account) -> None:
    before = kid_of(await token_of(auth, auth.keys, account))

    after = await auth.keys.rotate()

    assert await kids(auth.keys) == [before, after]
    assert kid_of(await token_of(auth, auth.keys, account)) == before
    auth.clock.advance(6)
    assert kid_of(await token_of(auth, auth.keys, account)) == after


async def test_rotating_again_before_the_new_key_signs_is_rotating_once(auth: Auth, account) -> None:
    assert await auth.keys.rotate() == await auth.keys.rotate()

    auth.clock.advance(6)
    assert len({await auth.keys.rotate(), *await kids(auth.keys)}) == 3


async def test_the_old_key_verifies_until_its_last_token_expired(auth: Auth, account) -> None:
    other = auth.key_ring()
    old = await token_of(auth, other, account)
    new = await auth.keys.rotate()

    # The other replica has not read of it yet and signs with the old key once more, as late as it may.
    auth.clock.advance(REREAD_S - 1)
    last = await token_of(auth, other, account)
    assert kid_of(last) == kid_of(old)
    auth.clock.advance(ACCESS_LASTS_S + 5)
    assert kid_of(last) in await kids(auth.keys)

    auth.clock.advance(120)
    assert await kids(auth.keys) == [new]


async def test_another_replica_signs_with_the_new_key_within_half_a_minute(auth: Auth, account) -> None:
    other = auth.key_ring()
    await token_of(auth, other, account)
    new = await auth.keys.rotate()

    auth.clock.advance(REREAD_S)

    assert kid_of(await token_of(auth, other, account)) == new


async def test_another_replica_publishes_the_new_key_at_once(auth: Auth) -> None:
    other = auth.key_ring()
    await kids(other)

    assert await auth.keys.rotate() in await kids(other)


async def test_known_keys_are_told_while_the_database_is_away(auth: Auth) -> None:
    known = await kids(auth.keys)
    auth.store.away = True

    assert await kids(auth.keys) == known
    with pytest.raises(DependencyDown):
        await auth.key_ring().jwks()


async def test_a_key_kept_under_another_secret_does_not_sign_but_verifies(auth: Auth, account) -> None:
    token = await token_of(auth, auth.keys, account)
    other = auth.key_ring(secret=b"o" * 32)

    with pytest.raises(UnreadableKey):
        await other.signer()

    await TokenVerifier(other.jwks).verify(token)
    await other.rotate()
    auth.clock.advance(6)
    await other.signer()


def test_a_secret_gives_the_same_keys_in_every_process_and_one_for_each_purpose() -> None:
    once, again, other = derive("a secret of ours"), derive("a secret of ours"), derive("a secret of others")

    assert once == again
    assert len({once.sealing, once.throttling, other.sealing, other.throttling}) == 4
    assert "secret" not in repr(once)


async def test_expired_rows_are_forgotten(auth: Auth) -> None:
    token = (await auth.register()).tokens.refresh_token
    await auth.handlers.refresh(token)
    await auth.keys.rotate()
    auth.clock.advance(31 * 86_400)

    async with auth.store.transaction() as records:
        assert await records.forget_expired(before=auth.clock() - timedelta(hours=1), limit=100) == 4
