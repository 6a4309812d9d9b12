"""The schema `user`, as its migrations leave it."""

from sqlalchemy import Boolean, Column, DateTime, ForeignKey, MetaData, Table, Text

from services.kit.database.inbox import inbox_table

METADATA = MetaData()

PROFILES = Table(
    "profiles",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

ADDRESSES = Table(
    "addresses",
    METADATA,
    # UUIDv7: in the order they were added.
    Column("address_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("profiles.user_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("line1", Text, nullable=False),
    Column("line2", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("postal_code", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
)

INBOX = inbox_table(METADATA)
