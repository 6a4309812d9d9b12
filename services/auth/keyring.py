"""Which key signs now, and which verify. The table is the truth: all replicas read it, and agree within REREAD_S."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from services.auth.domain import SigningKey, expiry, key_that_signs, key_that_waits, keys_to_publish, retired
from services.auth.ports import Records, Signer, Store, Voucher
from services.auth.signing import KeySmith, jwks_of
from services.kit.clock import Clock
from services.kit.errors import NotNow
from services.kit.tokens import LEEWAY_S, Identity, TokenVerifier

# A replica may sign with the key before for this long after another one made a successor.
REREAD_S: Final = 30.0
# Clocks and transactions under way.
MARGIN_S: Final = 60.0


class KeyRing:
    """Signs and verifies access tokens, and changes keys."""

    def __init__(self, store: Store, smith: KeySmith, now: Clock, *, access_lasts_s: float, lead_s: float) -> None:
        """A new key is published `lead_s` before it signs, so that whoever verifies has read it by then."""
        self._store, self._smith, self._now = store, smith, now
        self._access_lasts_s, self._lead_s = access_lasts_s, lead_s
        self._keys: Sequence[SigningKey] = ()
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()
        self._verifier = TokenVerifier(self.jwks)

    async def signer(self) -> Signer:
        """See AccessTokens. Makes the first key when there is none."""
        return partial(self._smith.access_token, await self._key())

    async def verify(self, token: str) -> Identity:
        return await self._verifier.verify(token)

    async def voucher(self) -> Voucher:
        """See AccessTokens."""
        return partial(self._smith.word_for, await self._key())

    async def _key(self) -> SigningKey:
        async with self._reading:
            if self._is_old():
                await self._read()
        key = key_that_signs(self._keys, now=self._now())
        if key is None:
            raise NotNow("no signing key yet")
        # Opened here, where a secret that does not fit has changed nothing yet.
        self._smith.opened(key)
        return key

    async def jwks(self) -> str:
        """The table's keys of this moment: another replica's newest may be in the very token that made somebody ask.

        While the table is away, the keys as last read; they are good until it comes back.
        """
        try:
            async with self._reading:
                await self._read()
        except NotNow:
            if not self._keys:
                raise
        return jwks_of(list(keys_to_publish(self._keys, now=self._now())))

    async def rotate(self) -> str:
        """The kid of the successor. Asked again before that one signs, it is the same one."""
        async with self._store.transaction() as records:
            kept = await records.signing_keys(lock=True)
            successor = key_that_waits(kept, now=self._now()) or await self._succeed(records, kept)
        async with self._reading:
            await self._read()
        return successor.kid

    async def _succeed(self, records: Records, kept: Sequence[SigningKey]) -> SigningKey:
        now = self._now()
        successor = self._smith.new_key(at=now, signs_from=expiry(now, self._lead_s if kept else 0))
        last_use_s = REREAD_S + self._access_lasts_s + LEEWAY_S + MARGIN_S
        await records.save_keys([*retired(kept, at=expiry(successor.signs_from, last_use_s)), successor])
        return successor

    def _is_old(self) -> bool:
        return self._read_at is None or expiry(self._read_at, REREAD_S) <= self._now()

    async def _read(self) -> None:
        async with self._store.transaction() as records:
            keys = await records.signing_keys()
        if not keys:
            keys = await self._with_first_key()
        self._keys, self._read_at = keys, self._now()

    async def _with_first_key(self) -> Sequence[SigningKey]:
        async with self._store.transaction() as records:
            # Replicas that start together stand in line here; all but the first find its key.
            kept = await records.signing_keys(lock=True)
            return kept or [await self._succeed(records, kept)]
