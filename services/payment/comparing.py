"""Our books beside the PSP's: what of a charge and a payment can not both be true. Pure functions.

Only what was begun by us is compared: a charge at the PSP without our payment's id in it is somebody else's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.kit.invariants import Violation
from services.payment.domain import PAID, Intent, Payment, Status

CHARGES_UNKNOWN: Final = "psp_charges_unknown"
AMOUNTS_DIFFER: Final = "psp_amounts_differ"
REFUNDS_DIFFER: Final = "psp_refunds_differ"
CHARGES_MISSING: Final = "psp_charges_missing"
UNSETTLED: Final = "payments_unsettled"

PROMISES: Final = {
    CHARGES_UNKNOWN: "every charge that the PSP took money for is paid in our books too, or was given back",
    AMOUNTS_DIFFER: "amount and currency of a charge are those of its payment",
    REFUNDS_DIFFER: "what went back according to us went back at the PSP, neither less nor more",
    CHARGES_MISSING: "every payment that is paid in our books was charged by the PSP",
    UNSETTLED: "no payment, undoing or refund is without an outcome for long",
}
_TOOK_MONEY: Final = PAID | {Status.REFUNDED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch(Violation):
    """Something wrong with a payment; its subject is the payment's id."""

    # The charge at the PSP; empty when there is none.
    ref: str


def compare(intent: Intent, payment: Payment | None, *, before: datetime) -> Iterator[Mismatch]:
    """What is wrong with a charge. What changed in our books after `before` is under way, and nothing is wrong."""
    if not intent.payment_id or (payment is not None and payment.updated_at > before):
        return
    if payment is None:
        if _kept(intent) > 0:
            what = f"{intent.ref} was paid for no payment of ours"
            yield Mismatch(invariant=CHARGES_UNKNOWN, subject=intent.payment_id, ref=intent.ref, what=what)
    elif payment.provider_ref not in ("", intent.ref):
        if _kept(intent) > 0:
            what = f"{intent.ref} was paid besides {payment.provider_ref}"
            yield _wrong(CHARGES_UNKNOWN, payment, intent.ref, what)
    else:
        yield from _of_its_payment(intent, payment)


def missing(payment: Payment, found: Intent | None) -> Iterator[Mismatch]:
    """What is wrong with a payment that is paid in our books, when the PSP says that of its charge."""
    if found is None or found.status is not Status.SUCCEEDED:
        what = f"{payment.provider_ref or 'no charge'} is {'unknown' if found is None else found.status.value} there"
        yield _wrong(CHARGES_MISSING, payment, payment.provider_ref, what)


def _of_its_payment(intent: Intent, payment: Payment) -> Iterator[Mismatch]:
    if intent.status is not Status.SUCCEEDED:
        return
    if payment.status not in _TOOK_MONEY:
        if _kept(intent) > 0:
            what = f"{intent.ref} was paid, but is {payment.status.value} in our books"
            yield _wrong(CHARGES_UNKNOWN, payment, intent.ref, what)
        return
    if intent.amount != payment.amount:
        what = f"{intent.ref} is over {intent.amount}, its payment over {payment.amount}"
        yield _wrong(AMOUNTS_DIFFER, payment, intent.ref, what)
    if intent.refunded_minor != payment.refunded_minor:
        what = f"{intent.ref} gave back {intent.refunded_minor}, in our books {payment.refunded_minor}"
        yield _wrong(REFUNDS_DIFFER, payment, intent.ref, what)


def _kept(intent: Intent) -> int:
    """How much of the buyer's money is at the PSP for this charge."""
    return intent.amount.minor - intent.refunded_minor if intent.status is Status.SUCCEEDED else 0


def _wrong(invariant: str, payment: Payment, ref: str, what: str) -> Mismatch:
    return Mismatch(invariant=invariant, subject=payment.payment_id, ref=ref, what=what, since=payment.updated_at)
