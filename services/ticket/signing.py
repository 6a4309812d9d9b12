"""Signatures on tickets: compact JWS with Ed25519 (RFC 8037). They are deterministic, so none has to be kept."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.ticket.domain.hold import SignedTicket, Ticket

_ENCODE: Final = msgspec.json.Encoder().encode
log = structlog.get_logger()


class Key:
    """A key of a 32-byte seed."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = private.public_key().public_bytes_raw()
        self.kid = _thumbprint(self.public)
        self._sign = private.sign
        self._header = _base64url(_ENCODE({"alg": "EdDSA", "kid": self.kid})) + b"."

    def payload(self, ticket: Ticket) -> str:
        """What the QR code shows: the ticket, its event and its place, signed."""
        place = ticket.place
        claims = {"tid": ticket.ticket_id, "eid": ticket.event_id, "sec": place.section_id, "seat": place.seat_id}
        signed = self._header + _base64url(_ENCODE(claims))
        return (signed + b"." + _base64url(self._sign(signed))).decode()


class Keys(Protocol):
    """Where keys are kept for all replicas."""

    async def own(self, make: Callable[[], Key]) -> Key:
        """The key that was made here before, or the one that `make` makes now, for all replicas the same."""

    async def remember(self, key: Key) -> None:
        """Publish a key of the settings; its tickets are good when the settings name another. Idempotent."""

    async def public_keys(self) -> Mapping[str, bytes]:
        """All that ever signed, by key id, oldest first."""


class TicketSigner:
    def __init__(self, keys: Keys, seed: bytes) -> None:
        """Without a seed, a key is made at the first need and kept."""
        self._keys, self._seed = keys, seed
        self._key: Key | None = None
        self._opening = asyncio.Lock()

    async def sign(self, tickets: Sequence[Sequence[Ticket]]) -> Sequence[Sequence[SignedTicket]]:
        key = await self._opened()
        return [[SignedTicket(ticket, key.payload(ticket)) for ticket in of_hold] for of_hold in tickets]

    async def jwks(self) -> str:
        await self._opened()
        public = await self._keys.public_keys()
        keys = [_jwk(key) | {"kid": kid, "use": "sig", "alg": "EdDSA"} for kid, key in public.items()]
        return _ENCODE({"keys": keys}).decode()

    async def _opened(self) -> Key:
        async with self._opening:
            if self._key is None:
                self._key = await self._open()
            return self._key

    async def _open(self) -> Key:
        if self._seed:
            key = Key(self._seed)
            await self._keys.remember(key)
            return key
        log.warning("signing_key_kept_in_database", hint="set TICKET_SIGNING_KEY to keep it elsewhere")
        return await self._keys.own(lambda: Key(secrets.token_bytes(32)))


def _jwk(public: bytes) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public).decode()}


def _thumbprint(public: bytes) -> str:
    """RFC 7638: the hash of the key's required members, in this order."""
    return _base64url(hashlib.sha256(_ENCODE(_jwk(public))).digest()).decode()


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
