"""Stripe's JSON in our words: what an intent's state means, and which declines have which slug."""

from collections.abc import Mapping
from typing import Final

import msgspec

from services.kit.money import Money
from services.payment.domain import Intent, NextAction, Status

# Declines that a buyer can act on. All others are `card-declined`: its bearer need not know that a card was stolen.
SLUGS: Final = {
    "insufficient_funds": "insufficient-funds",
    "expired_card": "expired-card",
    "incorrect_cvc": "incorrect-cvc",
    "invalid_cvc": "incorrect-cvc",
    "processing_error": "processing-error",
    "authentication_required": "authentication-required",
    "payment_intent_authentication_failure": "authentication-failed",
}
# Refusals of the request itself that are an answer to the buyer.
REQUEST_SLUGS: Final = {
    "amount_too_small": "invalid-amount",
    "amount_too_large": "invalid-amount",
    "payment_method_not_available": "invalid-payment-method",
}


class _Error(msgspec.Struct):
    code: str | None = None
    decline_code: str | None = None


class _Redirect(msgspec.Struct):
    url: str = ""


class _Action(msgspec.Struct):
    type: str
    redirect_to_url: _Redirect | None = None


class _Charge(msgspec.Struct):
    amount_refunded: int = 0


class StripeIntent(msgspec.Struct):
    """Those fields of a PaymentIntent that we read."""

    id: str
    amount: int
    currency: str
    status: str
    client_secret: str | None = None
    next_action: _Action | None = None
    last_payment_error: _Error | None = None
    latest_charge: _Charge | str | None = None
    metadata: dict[str, str] = {}


def intent_from(fields: Mapping[str, object]) -> Intent:
    """What Stripe says in a PaymentIntent."""
    said = msgspec.convert(fields, StripeIntent)
    status, action = _status(said)
    charge = said.latest_charge
    return Intent(
        ref=said.id,
        status=status,
        amount=Money(said.amount, said.currency.upper()),
        refunded_minor=charge.amount_refunded if isinstance(charge, _Charge) else 0,
        failure_reason=_slug(said.last_payment_error) if status is Status.FAILED else "",
        next_action=action,
        payment_id=said.metadata.get("payment_id", ""),
        booking_id=said.metadata.get("booking_id", ""),
    )


def slug_of(code: str | None, decline_code: str | None) -> str:
    return SLUGS.get(decline_code or "") or SLUGS.get(code or "") or "card-declined"


def _slug(error: _Error | None) -> str:
    return slug_of(error.code, error.decline_code) if error else "card-declined"


def _status(said: StripeIntent) -> tuple[Status, NextAction | None]:
    match said.status:
        case "succeeded":
            return Status.SUCCEEDED, None
        case "canceled":
            return Status.CANCELLED, None
        case "requires_payment_method" if said.last_payment_error is not None:
            return Status.FAILED, None
        case "requires_payment_method" | "requires_confirmation" | "requires_action":
            return Status.REQUIRES_ACTION, _action(said)
        case _:
            return Status.PROCESSING, None


def _action(said: StripeIntent) -> NextAction:
    if said.next_action and said.next_action.redirect_to_url:
        return NextAction("redirect", url=said.next_action.redirect_to_url.url)
    # Also for 3-D Secure without a return address: the browser goes on with the secret.
    return NextAction("payment_method", client_secret=said.client_secret or "")
