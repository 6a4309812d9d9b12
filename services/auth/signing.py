"""Ed25519 keys, how they are kept, and the tokens they sign (RFC 8037, as services/kit/tokens.py verifies them)."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

import jwt
import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.auth.domain import WORD_LASTS_S, AccessToken, Account, SigningKey, Vouching, expiry
from services.kit.ids import new_id
from services.kit.tokens import ALGORITHM, AUDIENCE, ISSUER, LEEWAY_S, Identity, base64url

# Slow on purpose, for a secret may be a sentence that somebody thought of. The salt is the same for all platforms:
# replicas share the secret and nothing else before they have a database.
_SALT: Final = b"ticketing/auth/key-secret/1"
_COST: Final = {"n": 2**14, "r": 8, "p": 1}


class UnreadableKey(Exception):
    """AUTH_KEY_SECRET is not the one that this key was kept under. RotateKeys makes one that can be read."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is derived from AUTH_KEY_SECRET, each for one purpose."""

    sealing: bytes = field(repr=False)
    throttling: bytes = field(repr=False)


def derive(secret: str) -> Secrets:
    """Takes some 50 ms and 16 MiB: once a process."""
    derived = hashlib.scrypt(secret.encode(), salt=_SALT, **_COST, dklen=64)
    return Secrets(sealing=derived[:32], throttling=derived[32:])


class KeySmith:
    """Makes keys, keeps their private halves sealed, and signs with them."""

    def __init__(self, sealing_key: bytes, *, access_lasts_s: float) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(sealing_key))
        self._access_lasts_s = access_lasts_s
        self._opened = lru_cache(maxsize=4)(self._open)

    def new_key(self, *, at: datetime, signs_from: datetime) -> SigningKey:
        private = Ed25519PrivateKey.generate()
        return SigningKey(
            kid=new_id(),
            public_key=private.public_key().public_bytes_raw(),
            sealed_private_key=self._fernet.encrypt(private.private_bytes_raw()),
            created_at=at,
            signs_from=signs_from,
        )

    def opened(self, key: SigningKey) -> Ed25519PrivateKey:
        """Raises UnreadableKey when it was sealed under another secret."""
        return self._opened(key.sealed_private_key)

    def access_token(self, key: SigningKey, account: Account, at: datetime) -> AccessToken:
        expires_at = expiry(at.replace(microsecond=0), self._access_lasts_s)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": account.user_id,
            "roles": [role.value for role in account.roles],
            "iat": int(at.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": new_id(),
        }
        return AccessToken(jwt.encode(claims, self.opened(key), ALGORITHM, headers={"kid": key.kid}), expires_at)

    def word_for(self, key: SigningKey, person: Identity, vouching: Vouching, at: datetime) -> str:
        """For one service: that this person asked, through whoever holds the speaker's key."""
        now = int(at.timestamp())
        claims = {
            "iss": ISSUER,
            "aud": vouching.audience,
            "sub": person.user_id,
            "roles": sorted(person.roles),
            "iat": now,
            "exp": min(now + WORD_LASTS_S, int(person.expires_at) + LEEWAY_S),
            "cnf": {"x": vouching.speaker},
        }
        return jwt.encode(claims, self.opened(key), ALGORITHM, headers={"kid": key.kid})

    def _open(self, sealed: bytes) -> Ed25519PrivateKey:
        try:
            return Ed25519PrivateKey.from_private_bytes(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise UnreadableKey("AUTH_KEY_SECRET does not open the signing key: RotateKeys makes a new one") from error


def jwks_of(keys: list[SigningKey]) -> str:
    """The public halves as a JSON Web Key Set (RFC 7517)."""
    rows = [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": base64url(key.public_key),
            "kid": key.kid,
            "use": "sig",
            "alg": ALGORITHM,
        }
        for key in keys
    ]
    return msgspec.json.encode({"keys": rows}).decode()
