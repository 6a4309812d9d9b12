"""auth's word about persons, and orders that prove who ordered them: made as auth and the gateway make them."""

from __future__ import annotations

import time

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protos.gen import booking_pb2 as pb
from protos.orders import proven_content
from services.kit.ids import new_id
from services.kit.tokens import ALGORITHM, ISSUER, base64url

KEY_ID = "twin"


class Voucher:
    """auth's key, and the key of a gateway that speaks for persons."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.speaker = Ed25519PrivateKey.generate()

    async def jwks(self) -> str:
        row = jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return msgspec.json.encode({"keys": [row | {"kid": KEY_ID}]}).decode()

    def word(self, user_id: str, audience: str = "booking", *roles: str, at: float | None = None) -> str:
        """`at`: when it was given; it lasts a minute."""
        now = time.time() if at is None else at
        claims = {"iss": ISSUER, "aud": audience, "sub": user_id, "roles": roles or ("buyer",), "iat": now}
        claims |= {"exp": now + 60, "cnf": {"x": base64url(self.speaker.public_key().public_bytes_raw())}}
        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": KEY_ID})

    def order(self, user_id: str, *, booking_id: str = "", word: str = "") -> pb.CreateBookingRequest:
        """One that its buyer has ordered, just now."""
        order = pb.CreateBookingRequest(booking_id=booking_id or new_id(), user_id=user_id, event_id="e1")
        order.seat_ids.extend(["A-1-1", "A-1-2"])
        order.proof.token = word or self.word(user_id)
        order.proof.signature = self.speaker.sign(proven_content(order))
        return order
