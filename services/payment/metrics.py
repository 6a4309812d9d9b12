"""Payments in numbers."""

from typing import Final

from prometheus_client import Counter, Histogram

PAYMENTS: Final = Counter("payments_total", "Payments that came to a status, by provider.", ["provider", "status"])
REFUNDED_ORPHANS: Final = Counter(
    "payments_orphaned_total", "Charges that succeeded after we had given up on them, and were refunded."
)
WEBHOOKS: Final = Counter("payment_webhooks_total", "Webhooks received, by result.", ["result"])
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
