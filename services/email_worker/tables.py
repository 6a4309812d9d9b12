"""The schema `email_worker`, as its migrations leave it."""

from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from services.kit.database.inbox import inbox_table
from services.kit.database.outbox import outbox_table

METADATA = MetaData()

RECIPIENTS = Table(
    "recipients",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
)

SHOWS = Table(
    "shows",
    METADATA,
    Column("event_id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("cancel_reason", Text, nullable=False, server_default=""),
)

MAILS = Table(
    "mails",
    METADATA,
    Column("mail_id", Text, primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("booking_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("traceparent", Text, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    # The next try of a waiting mail, the end of the lease of one being sent.
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    # Who has leased it, or had.
    Column("sender", Text, nullable=False, server_default=""),
    # When it was sent, failed or withdrawn.
    Column("settled_at", DateTime(timezone=True)),
    UniqueConstraint("booking_id", "kind"),
)

INBOX = inbox_table(METADATA)
OUTBOX = outbox_table(METADATA)
