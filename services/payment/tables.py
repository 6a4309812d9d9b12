"""The schema `payment`, as its migrations leave it. The sandbox keeps its own: psp/intents.py."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, ForeignKey, MetaData, SmallInteger, Table, Text

from services.kit.database.outbox import outbox_table
from services.kit.database.receipts import receipts_table

METADATA = MetaData()

PAYMENTS = Table(
    "payments",
    METADATA,
    Column("payment_id", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("booking_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    # 0 for a key that was cancelled before it came.
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("failure_reason", Text, nullable=False),
    Column("action_type", Text, nullable=False),
    Column("action_url", Text, nullable=False),
    Column("action_secret", Text, nullable=False),
    Column("provider_ref", Text, nullable=False),
    Column("cancelling", Boolean, nullable=False),
    Column("late", Boolean, nullable=False),
    # The one of payment_attempts that counts.
    Column("current_attempt", SmallInteger, nullable=False),
    Column("claimed_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("leased_until", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

# What was, or is about to be, asked of the PSP.
ATTEMPTS = Table(
    "payment_attempts",
    METADATA,
    Column("payment_id", Text, ForeignKey("payments.payment_id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", SmallInteger, primary_key=True),
    Column("payment_method", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
)

REFUNDS = Table(
    "refunds",
    METADATA,
    Column("payment_id", Text, ForeignKey("payments.payment_id", ondelete="CASCADE"), primary_key=True),
    Column("refund_key", Text, primary_key=True),
    Column("refund_id", Text, nullable=False, unique=True),
    Column("minor", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("leased_until", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

WEBHOOK_EVENTS = Table(
    "webhook_events",
    METADATA,
    Column("event_id", Text, primary_key=True),
    Column("ref", Text, nullable=False),
    Column("payment_id", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("leased_until", DateTime(timezone=True)),
    Column("handled_at", DateTime(timezone=True)),
)

OUTBOX = outbox_table(METADATA)
REPAIRS = receipts_table(METADATA)
