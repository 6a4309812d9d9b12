"""What the sandbox's bank says to which test card. The names are Stripe's own wherever Stripe has one."""

from dataclasses import dataclass
from math import inf
from typing import Final

from services.payment.domain import Status


@dataclass(frozen=True, slots=True)
class Decision:
    # What the PSP answers: SUCCEEDED, FAILED (with a reason), or REQUIRES_ACTION.
    status: Status
    failure: str = ""
    # How long it takes to say so, the first time.
    delay_s: float = 0.0
    # What comes of it once the buyer has approved.
    after_approval: str = ""


_PAID: Final = Decision(Status.SUCCEEDED)
_THREE_D_SECURE: Final = Decision(Status.REQUIRES_ACTION)
_UNKNOWN: Final = Decision(Status.FAILED, "invalid-payment-method")

CARDS: Final = {
    "pm_card_visa": _PAID,
    "pm_card_visa_debit": _PAID,
    "pm_card_mastercard": _PAID,
    "pm_card_amex": _PAID,
    "pm_card_chargeDeclined": Decision(Status.FAILED, "card-declined"),
    "pm_card_visa_chargeDeclined": Decision(Status.FAILED, "card-declined"),
    "pm_card_chargeDeclinedInsufficientFunds": Decision(Status.FAILED, "insufficient-funds"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": Decision(Status.FAILED, "insufficient-funds"),
    "pm_card_visa_chargeDeclinedLostCard": Decision(Status.FAILED, "card-declined"),
    "pm_card_visa_chargeDeclinedStolenCard": Decision(Status.FAILED, "card-declined"),
    "pm_card_chargeDeclinedExpiredCard": Decision(Status.FAILED, "expired-card"),
    "pm_card_chargeDeclinedIncorrectCvc": Decision(Status.FAILED, "incorrect-cvc"),
    "pm_card_chargeDeclinedProcessingError": Decision(Status.FAILED, "processing-error"),
    "pm_card_authenticationRequired": _THREE_D_SECURE,
    "pm_card_threeDSecureRequired": _THREE_D_SECURE,
    "pm_card_threeDSecure2Required": _THREE_D_SECURE,
    "pm_card_threeDSecureRequiredChargeDeclined": Decision(Status.REQUIRES_ACTION, after_approval="card-declined"),
    # These two are the sandbox's own: the charge takes place, but the answer is late, or never comes.
    "pm_card_delay": Decision(Status.SUCCEEDED, delay_s=1.5),
    "pm_card_timeout": Decision(Status.SUCCEEDED, delay_s=inf),
}


def decide(payment_method: str) -> Decision:
    """What the bank says to that card; without one the buyer has to choose."""
    return CARDS.get(payment_method, _UNKNOWN) if payment_method else _THREE_D_SECURE
