"""Stripe without its secrets does not start."""

import pytest
from pydantic import ValidationError

from services.payment.settings import PaymentSettings


@pytest.mark.parametrize("given", [{}, {"stripe_secret_key": "sk_1"}, {"stripe_webhook_secret": "whsec_1"}])
def test_stripe_needs_both_secrets(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="is needed with PAYMENT_PROVIDER=stripe"):
        PaymentSettings(payment_provider="stripe", **given)


def test_secrets_are_not_shown() -> None:
    settings = PaymentSettings(
        payment_provider="stripe", stripe_secret_key="sk_live_1", stripe_webhook_secret="whsec_1"
    )

    assert "sk_live_1" not in repr(settings)
    assert "whsec_1" not in repr(settings)
