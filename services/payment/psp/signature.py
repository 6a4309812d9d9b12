"""Stripe's webhook signature, scheme v1: an HMAC over time and body. The sandbox signs and checks with it."""

import hmac
from hashlib import sha256
from typing import Final

from services.payment.ports import BadSignature

TOLERANCE_S: Final = 300


def sign(body: bytes, secret: str, *, at: float) -> str:
    """The value of a `Stripe-Signature` header."""
    return f"t={int(at)},v1={_mac(body, secret, int(at))}"


def verify(body: bytes, header: str, secret: str, *, at: float) -> None:
    """Refuses BadSignature for what that secret did not sign within the last five minutes."""
    fields = [field.partition("=") for field in header.split(",")]
    times = [value for name, _, value in fields if name == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12):
        raise BadSignature
    expected = _mac(body, secret, int(times[0])).encode()
    given = [value.encode(errors="replace") for name, _, value in fields if name == "v1"]
    # There is more than one while a secret is being changed.
    if not any(hmac.compare_digest(expected, one) for one in given):
        raise BadSignature
    if int(times[0]) < at - TOLERANCE_S:
        raise BadSignature


def _mac(body: bytes, secret: str, at: int) -> str:
    return hmac.new(secret.encode(), b"%d." % at + body, sha256).hexdigest()
