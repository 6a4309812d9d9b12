"""Whether an order that came through the line was ordered by its buyer. It may have waited there for hours."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protos.gen import booking_pb2 as pb
from protos.orders import proven_content
from services.kit.errors import Kind, NotNow, Refusal
from services.kit.ids import made_at
from services.kit.tokens import LEEWAY_S, Identity, TokenVerifier

# Speakers' keys: one a gateway.
SPEAKERS: Final = 256
log = structlog.get_logger()
_PADDING: Final = "=="


class OrderNotProven(Refusal):
    kind, reason = Kind.UNAUTHENTICATED, "order-not-proven"

    def __init__(self, why: str) -> None:
        super().__init__(f"nothing proves that the buyer ordered this: {why}")


class Proofs:
    def __init__(self, load_jwks: Callable[[], Awaitable[str]], *, required: bool) -> None:
        """Where a proof is not `required`, an order without one is believed, but none with a wrong one."""
        self._words, self._required = TokenVerifier(load_jwks, audience="booking", keeps_keys=True), required

    async def check(self, order: pb.CreateBookingRequest) -> None:
        """Refuses `order-not-proven`. Raises NotNow while it can not be told."""
        if not order.HasField("proof") and not self._required:
            return
        try:
            await self._check(order)
        except NotNow:
            raise
        except Refusal as refusal:
            log.warning("order_not_proven", booking_id=order.booking_id, why=str(refusal))
            if isinstance(refusal, OrderNotProven):
                raise
            raise OrderNotProven(str(refusal)) from refusal

    async def owner(self, request: Any) -> str:
        """Whose booking a request is about that brings the order (kit.rpc.persons.Evidence)."""
        order: pb.CreateBookingRequest = request.order
        if order.booking_id != request.booking_id:
            raise OrderNotProven("it is another booking's")
        await self.check(order)
        return order.user_id

    async def _check(self, order: pb.CreateBookingRequest) -> None:
        # Whether auth's word has expired since is of no matter: it was good when the order was made, and what is
        # signed is this order and no other. Sent again, it is the same booking.
        person = await self._words.read(order.proof.token)
        if person.user_id != order.user_id:
            raise OrderNotProven("auth's word is of somebody else")
        if not _was_good(person, made_at(order.booking_id)):
            raise OrderNotProven("auth's word is of another time")
        try:
            _public_key(person.speaker).verify(order.proof.signature, proven_content(order))
        except InvalidSignature as error:
            raise OrderNotProven("the signature is of something else") from error


def _was_good(word: Identity, at: datetime | None) -> bool:
    return at is not None and word.issued_at - LEEWAY_S <= at.timestamp() <= word.expires_at + LEEWAY_S


@lru_cache(SPEAKERS)
def _public_key(speaker: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(speaker + _PADDING))
    except (ValueError, binascii.Error) as error:
        raise OrderNotProven("auth's word names no key") from error
