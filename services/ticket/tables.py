"""The schema `ticket`, as its migrations leave it. What is written for many at once is SQL, in `repository/`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.kit.database.inbox import inbox_table
from services.kit.database.outbox import outbox_table
from services.kit.database.receipts import receipts_table

METADATA = MetaData()
# Ids and keys are compared byte by byte: faster than any language's order, and the same everywhere.
NAME = Text(collation="C")

EVENTS = Table(
    "events",
    METADATA,
    Column("event_id", NAME, primary_key=True),
    # Sections and tiers as services.ticket.domain.event has them, in the order of the layout.
    Column("sections", JSONB, nullable=False),
    Column("tiers", JSONB, nullable=False),
    Column("max_per_booking", Integer, nullable=False),
    Column("sale_starts_at", DateTime(timezone=True)),
    Column("cancelled", Boolean, nullable=False),
    # Its row lock is the right to change places of the event.
    Column("version", BigInteger, nullable=False),
)

SECTIONS = Table(
    "sections",
    METADATA,
    Column("event_id", NAME, ForeignKey("events.event_id"), primary_key=True),
    Column("section_id", NAME, primary_key=True),
    Column("capacity", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("sold", Integer, nullable=False),
)

SEATS = Table(
    "seats",
    METADATA,
    Column("event_id", NAME, primary_key=True),
    Column("seat_id", NAME, primary_key=True),
    Column("section_id", NAME, nullable=False),
    # Position of the row in its section, front row first.
    Column("row_no", Integer, nullable=False),
    Column("row_label", NAME, nullable=False),
    Column("number", Integer, nullable=False),
    # f, h or s.
    Column("state", NAME, nullable=False),
    # Whose it is; empty while it is free.
    Column("hold_key", NAME, nullable=False),
    Index("ix_seats_free", "event_id", "section_id", "row_no", "number", postgresql_where=text("state = 'f'")),
)

HOLDS = Table(
    "holds",
    METADATA,
    Column("key", NAME, primary_key=True),
    Column("event_id", NAME, nullable=False),
    Column("user_id", NAME, nullable=False),
    Column("fingerprint", NAME, nullable=False),
    # [seat_id, section_id, label, price in minor units], many.
    Column("places", JSONB, nullable=False),
    Column("currency", NAME, nullable=False),
    Column("state", NAME, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_holds_event", "event_id"),
    Index("ix_holds_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
)

TICKETS = Table(
    "tickets",
    METADATA,
    Column("hold_key", NAME, primary_key=True),
    # The place of the hold that it is for.
    Column("ordinal", Integer, primary_key=True),
    Column("ticket_id", NAME, nullable=False),
    Column("event_id", NAME, nullable=False),
    Column("section_id", NAME, nullable=False),
    Column("seat_id", NAME, nullable=False),
    Column("booking_id", NAME, nullable=False),
    Column("void", Boolean, nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ux_tickets_seat", "event_id", "seat_id", unique=True, postgresql_where=text("NOT void AND seat_id <> ''")),
)

SIGNING_KEYS = Table(
    "signing_keys",
    METADATA,
    Column("kid", NAME, primary_key=True),
    Column("public_key", LargeBinary, nullable=False),
    # None for a key that came from the settings.
    Column("seed", LargeBinary),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

INBOX = inbox_table(METADATA)
OUTBOX = outbox_table(METADATA)
REPAIRS = receipts_table(METADATA)
