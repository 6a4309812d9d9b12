"""The schema `auth`, as its migrations leave it."""

from sqlalchemy import ARRAY, Column, DateTime, ForeignKey, LargeBinary, MetaData, Table, Text

from services.kit.database.outbox import outbox_table

METADATA = MetaData()

ACCOUNTS = Table(
    "accounts",
    METADATA,
    # UUIDv7: in the order they registered.
    Column("user_id", Text, primary_key=True),
    # In lower case, by a check: one person, one spelling.
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("session_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("accounts.user_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    Column("revoked_at", DateTime(timezone=True)),
)

REFRESH_TOKENS = Table(
    "refresh_tokens",
    METADATA,
    # SHA-256 of the token.
    Column("digest", LargeBinary, primary_key=True),
    Column("session_id", Text, ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    Column("used_at", DateTime(timezone=True)),
)

SIGNING_KEYS = Table(
    "signing_keys",
    METADATA,
    Column("kid", Text, primary_key=True),
    # In the clear, so that tokens can be verified whatever becomes of the secret.
    Column("public_key", LargeBinary, nullable=False),
    # Fernet, under a key derived from AUTH_KEY_SECRET.
    Column("sealed_private_key", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("signs_from", DateTime(timezone=True), nullable=False),
    Column("retires_at", DateTime(timezone=True)),
)

OUTBOX = outbox_table(METADATA)
