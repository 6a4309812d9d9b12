"""Access tokens: ours are believed, and no others."""

import time

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from services.kit.errors import DependencyDown, NotNow
from services.kit.tokens import ALGORITHM, AUDIENCE, ISSUER, InvalidToken, TokenExpired, TokenVerifier

KEY = Ed25519PrivateKey.generate()
STRANGER = Ed25519PrivateKey.generate()


def jwks(**keys: Ed25519PrivateKey) -> str:
    rows = [OKPAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid} for kid, key in keys.items()]
    return msgspec.json.encode({"keys": rows}).decode()


def token(key: Ed25519PrivateKey = KEY, *, kid: str = "k1", **changed: object) -> str:
    claims = {"sub": "u1", "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 3600, "roles": ["buyer"]} | changed
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, ALGORITHM, headers={"kid": kid})


@pytest.fixture
def verifier() -> TokenVerifier:
    async def load() -> str:
        return jwks(k1=KEY)

    return TokenVerifier(load)


async def test_our_token_names_its_user_and_roles(verifier: TokenVerifier) -> None:
    identity = await verifier.verify(token())

    assert identity.user_id == "u1"
    assert identity.roles == {"buyer"}


@pytest.mark.parametrize(
    "forged",
    [
        token(STRANGER),
        token(kid="k2"),
        token(aud="somebody-else"),
        token(iss="somebody-else"),
        token(sub=None),
        token(exp=None),
        jwt.encode({"sub": "u1", "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 3600}, "", "none"),
        jwt.encode({"sub": "u1"}, "a secret of thirty-two characters or more", "HS256", headers={"kid": "k1"}),
        "a.b.c",
        "",
        "x" * 10_000,
    ],
)
async def test_anything_else_is_refused(verifier: TokenVerifier, forged: str) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(forged)


async def test_an_old_token_is_said_to_be_old(verifier: TokenVerifier) -> None:
    with pytest.raises(TokenExpired):
        await verifier.verify(token(exp=time.time() - 60))


async def test_without_keys_nobody_is_judged() -> None:
    async def load() -> str:
        raise DependencyDown("auth")

    with pytest.raises(NotNow):
        await TokenVerifier(load).verify(token())


async def test_a_new_key_is_fetched_when_its_first_token_comes() -> None:
    published = {"old": STRANGER}

    async def load() -> str:
        return jwks(**published)

    verifier = TokenVerifier(load)
    await verifier.verify(token(STRANGER, kid="old"))
    published["k1"] = KEY
    verifier._loaded_at -= 10  # the keys were read a while ago

    assert (await verifier.verify(token())).user_id == "u1"
