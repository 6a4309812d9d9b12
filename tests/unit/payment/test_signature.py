"""The sandbox's webhook signature is Stripe's: each side reads what the other wrote."""

import time

import pytest
import stripe

from services.payment.ports import BadSignature
from services.payment.psp.signature import sign, verify

SECRET = "whsec_test"
BODY = '{"id": "evt_1", "object": "event", "note": "é"}'


def test_stripe_reads_ours() -> None:
    header = sign(BODY.encode(), SECRET, at=time.time())

    assert stripe.WebhookSignature.verify_header(BODY.encode(), header, SECRET, 300)


def test_we_read_stripes() -> None:
    now = int(time.time())
    header = stripe.WebhookSignature.generate_signature_header(BODY, SECRET, now)

    verify(BODY.encode(), header, SECRET, at=now)
    verify(BODY.encode(), f"{header},v0=old,v1=00", SECRET, at=now)


@pytest.mark.parametrize(
    ("header", "at"),
    [
        ("", 1000),
        ("t=1000", 1000),
        ("v1=00", 1000),
        ("t=1000,v1=00", 1000),
        ("t=x,v1=00", 1000),
        ("t=²,v1=00", 1000),
        ("t=99999999999999999999,v1=00", 1000),
        ("t=1000,t=1001,v1=00", 1000),
        (sign(BODY.encode(), "whsec_other", at=1000), 1000),
        (sign(BODY.encode(), SECRET, at=1000), 1301),
    ],
)
def test_anything_else_is_refused(header: str, at: float) -> None:
    with pytest.raises(BadSignature):
        verify(BODY.encode(), header, SECRET, at=at)


def test_another_body_is_refused() -> None:
    with pytest.raises(BadSignature):
        verify(b"{}", sign(BODY.encode(), SECRET, at=1000), SECRET, at=1000)
