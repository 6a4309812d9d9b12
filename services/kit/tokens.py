"""auth's tokens, verified by whoever receives them against auth's published keys: no call per request."""

import asyncio
import base64
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import jwt
import msgspec

from services.kit.clock import utc_now
from services.kit.errors import Kind, NotNow, Refusal

ALGORITHM: Final = "EdDSA"
ISSUER: Final = "ticketing/auth"
AUDIENCE: Final = "ticketing"
# Clocks of two machines may differ by this much.
LEEWAY_S: Final = 5
# Keys are read again this often, and at once for a key id we do not know, but not more often than that.
REFRESH_S: Final = 300.0
REFRESH_AT_MOST_S: Final = 5.0
MAX_TOKEN_LENGTH: Final = 4096
REMEMBERED: Final = 20_000


def base64url(raw: bytes) -> str:
    """As JOSE writes keys and signatures (RFC 7515, §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class InvalidToken(Refusal):
    kind, reason = Kind.UNAUTHENTICATED, "invalid-token"

    def __init__(self) -> None:
        super().__init__("the access token is not one of ours")


class TokenExpired(Refusal):
    kind, reason = Kind.UNAUTHENTICATED, "token-expired"

    def __init__(self) -> None:
        super().__init__("the access token has expired: refresh it")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a token stands for."""

    user_id: str
    roles: frozenset[str]
    # Seconds since the epoch.
    expires_at: float
    issued_at: float = 0.0
    # The key that signs what this person orders (base64url); of auth's words to services alone.
    speaker: str = ""


class TokenVerifier:
    """Verifies tokens with keys from `load_jwks`, which returns a JSON Web Key Set or raises NotNow."""

    def __init__(
        self, load_jwks: Callable[[], Awaitable[str]], *, audience: str = AUDIENCE, keeps_keys: bool = False
    ) -> None:
        """With `keeps_keys`, a key that was once published still verifies when it is no more: for what waits long."""
        self._load_jwks, self._audience, self._keeps_keys = load_jwks, audience, keeps_keys
        self._keys: dict[str, Any] = {}
        self._loaded_at = float("-inf")
        self._loading = asyncio.Lock()
        # A buyer sends the same token with every request; its signature is checked once.
        self._known: OrderedDict[str, Identity] = OrderedDict()

    async def verify(self, token: str) -> Identity:
        """Whose token it is. Refuses `invalid-token` and `token-expired`; raises NotNow while no keys can be had."""
        identity = await self.read(token)
        if identity.expires_at + LEEWAY_S <= utc_now().timestamp():
            self._known.pop(token, None)
            raise TokenExpired
        return identity

    async def read(self, token: str) -> Identity:
        """The same, of a token that was good once and may have expired since."""
        return self._known.get(token) or await self._verify_anew(token)

    async def _verify_anew(self, token: str) -> Identity:
        if len(token) > MAX_TOKEN_LENGTH:
            raise InvalidToken
        try:
            key_id = jwt.get_unverified_header(token).get("kid", "")
            key = await self._key(str(key_id))
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=ISSUER,
                options={"require": ["exp", "sub", "iss", "aud"], "verify_exp": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise InvalidToken from error
        identity = Identity(
            str(claims["sub"]),
            frozenset(claims.get("roles", ())),
            float(claims["exp"]),
            float(claims.get("iat", 0)),
            str(claims.get("cnf", {}).get("x", "")),
        )
        self._remember(token, identity)
        return identity

    def _remember(self, token: str, identity: Identity) -> None:
        self._known[token] = identity
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def _key(self, key_id: str) -> Any:
        age_s = time.monotonic() - self._loaded_at
        if age_s > REFRESH_S or (key_id not in self._keys and age_s > REFRESH_AT_MOST_S):
            await self._load()
        if key_id not in self._keys:
            raise InvalidToken
        return self._keys[key_id]

    async def _load(self) -> None:
        asked_at = time.monotonic()
        async with self._loading:
            if self._loaded_at > asked_at:
                return
            try:
                document = msgspec.json.decode(await self._load_jwks())
            except NotNow:
                if self._keys:  # Those we have are good until proven otherwise.
                    self._loaded_at = time.monotonic() - REFRESH_S + REFRESH_AT_MOST_S
                    return
                raise
            kept = self._keys if self._keeps_keys else {}
            self._keys = kept | {row["kid"]: jwt.PyJWK(row, ALGORITHM).key for row in document["keys"]}
            self._loaded_at = time.monotonic()
