"""Payments in numbers."""

from typing import Final

from prometheus_client import Counter, Histogram

PAYMENTS: Final = Counter("payments_total", "Payments that came to a status, by provider.", ["provider", "status"])
REFUNDED_ORPHANS: Final = Counter(
    "payments_orphaned_total", "Charges that succeeded after we had given up on them, and were refunded."
)
WEBHOOKS: Final = Counter(
    "payment_webhooks_total", "Webhooks received, by result: new, repeated, ignored or refused.", ["result"]
)
WEBHOOK_AGE: Final = Histogram(
    "payment_webhook_age_seconds",
    "From what happened at the PSP, in whole seconds of its clock, to our being told, again or for the first time.",
    buckets=(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0),
)
MONEY: Final = Counter(
    "payments_minor_units_total",
    "Money of payments that came to a status, in minor units (cents) of the currency.",
    ["status", "currency"],
)
PSP_ANSWERS: Final = Counter("psp_answers_total", "Answers of the PSP to charges, by result.", ["result"])
PSP_SECONDS: Final = Histogram(
    "psp_charge_seconds",
    "Time the PSP took to answer a batch of charges, by outcome: answered, or unknown for at least one of them.",
    ["outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
# Known before the first of them comes: a series that begins with its first sample tells of no increase.
for _result in ("new", "repeated", "ignored", "refused"):
    WEBHOOKS.labels(_result)
for _outcome in ("answered", "unknown"):
    PSP_SECONDS.labels(_outcome)
