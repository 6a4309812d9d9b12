"""Speaks for persons: brings auth's word to services, and signs what is ordered, so that it can be proven later."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protos.gen import auth_pb2 as pb
from protos.gen import booking_pb2 as booking
from protos.orders import proven_content
from services.kit.batching import Batcher
from services.kit.clock import Clock
from services.kit.rpc.client import Peer
from services.kit.rpc.persons import Voucher
from services.kit.rpc.status import kind_named, told

if TYPE_CHECKING:
    from protos.gen.auth_pb2_grpc import AuthServiceAsyncStub

MAX_BATCH: Final = 200
REMEMBERED: Final = 10_000
# A word is used until so shortly before its end: a call may wait a little on its way.
SPARE_S: Final = 5.0

type _Wish = tuple[str, str]


class Speaker:
    """Its key never leaves the process: with the certificate alone nobody can speak as it does."""

    def __init__(self, auth: Peer[AuthServiceAsyncStub], now: Clock) -> None:
        self._auth, self._now = auth, now
        self._key = Ed25519PrivateKey.generate()
        self._public_key = self._key.public_key().public_bytes_raw()
        self._vouch: Batcher[_Wish, str] = Batcher(self._vouch_many, name="vouching", max_batch=MAX_BATCH)
        # (Access token, audience) → auth's word and until when it is used.
        self._known: OrderedDict[_Wish, tuple[str, float]] = OrderedDict()

    def voucher(self, access_token: str) -> Voucher:
        """Brings auth's word for whoever holds that token."""
        return partial(self._word, access_token)

    def prove(self, order: booking.CreateBookingRequest, word: str) -> None:
        """Put the proof on the order that the buyer, of whom that is auth's word, has ordered it."""
        order.proof.token, order.proof.signature = word, self._key.sign(proven_content(order))

    async def _word(self, access_token: str, audience: str) -> str:
        wish = (access_token, audience)
        word, until = self._known.get(wish, ("", 0.0))
        if self._now().timestamp() < until:
            return word
        word = await self._vouch(wish)
        self._remember(wish, word)
        return word

    def _remember(self, wish: _Wish, word: str) -> None:
        claims = jwt.decode(word, options={"verify_signature": False})
        self._known[wish] = (word, claims["exp"] - SPARE_S)
        self._known.move_to_end(wish)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def _vouch_many(self, wishes: Sequence[_Wish]) -> Sequence[str | Exception]:
        wanted = [pb.Vouching(access_token=token, audience=audience) for token, audience in wishes]
        request = pb.VouchForRequest(wanted=wanted, speaker_key=self._public_key)
        reply = await self._auth.call(self._auth.stub.VouchFor, request)
        return [_outcome(one) for one in reply.outcomes]


def _outcome(vouched: pb.Vouched) -> str | Exception:
    if vouched.HasField("token"):
        return vouched.token
    refused = vouched.refused
    return told(kind_named(refused.kind), refused.reason, refused.message)
