"""The schema `booking`, as its migrations leave it."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, MetaData, SmallInteger, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from services.kit.database.outbox import outbox_table
from services.kit.database.receipts import receipts_table

METADATA = MetaData()

BOOKINGS = Table(
    "bookings",
    METADATA,
    # UUIDv7: newer ids sort later.
    Column("booking_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    # The booking as JSON (services.booking.domain.Booking).
    Column("booking", JSONB, nullable=False),
    Column("step", SmallInteger, nullable=False),
    Column("undoing", Boolean, nullable=False),
    Column("rests", SmallInteger, nullable=False),
    Column("rests_until", DateTime(timezone=True)),
    # AWAITING_PAYMENT: until when.
    Column("expires_at", DateTime(timezone=True)),
    # Since when it waits for a person.
    Column("parked_at", DateTime(timezone=True)),
    # `<instance>/<life of it>/<number of the lease>` of whose saga it is; null once decided or parked.
    Column("leased_by", Text),
    Column("leased_until", DateTime(timezone=True)),
    # When it was decided last.
    Column("settled_at", DateTime(timezone=True)),
    Index("ix_bookings_settled_at", "settled_at", postgresql_using="brin"),
    Index("ix_bookings_user", "user_id", "booking_id"),
    Index(
        "ix_bookings_event_order",
        "event_id",
        "booking_id",
        postgresql_where=text("status IN ('CONFIRMED', 'AWAITING_PAYMENT')"),
    ),
    Index("ix_bookings_at_work", "booking_id", postgresql_where=text("status IN ('PENDING', 'CANCELLING')")),
    Index("ix_bookings_waiting", "expires_at", postgresql_where=text("status = 'AWAITING_PAYMENT'")),
    Index("ix_bookings_parked", "parked_at", postgresql_where=text("parked_at IS NOT NULL")),
)

CANCELLED_EVENTS = Table(
    "cancelled_events",
    METADATA,
    Column("event_id", Text, primary_key=True),
    Column("cancelled_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

SAGA_LOG = Table(
    "saga_log",
    METADATA,
    Column("booking_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # What was about to be done, or how it ended.
    Column("entry", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_saga_log_booking", "booking_id", "at"),
    Index("ix_saga_log_at", "at", postgresql_using="brin"),
)

# What others said of a booking: payments and mails.
HEARD = Table(
    "heard",
    METADATA,
    Column("fact_id", Text, primary_key=True),
    Column("booking_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    # As in protos/timeline.py.
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # The payment's id, or the kind of a mail.
    Column("about", Text, nullable=False),
    Column("amount_minor", BigInteger),
    Column("currency", Text, nullable=False),
    Index("ix_heard_booking", "booking_id"),
    Index("ix_heard_at", "at", postgresql_using="brin"),
)

# Invariants that are violated now. A row leaves when its violation does.
FINDINGS = Table(
    "findings",
    METADATA,
    Column("invariant", Text, primary_key=True),
    Column("booking_id", Text, primary_key=True),
    Column("what", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    # Null: no repair was tried.
    Column("tried_at", DateTime(timezone=True)),
)

# How far the watch has come on each of its ways, and until when one process has it.
MARKS = Table(
    "watch_marks",
    METADATA,
    Column("way", Text, primary_key=True),
    Column("mark", Text, nullable=False),
    Column("leased_until", DateTime(timezone=True)),
)

OUTBOX = outbox_table(METADATA)
REPAIRS = receipts_table(METADATA)
