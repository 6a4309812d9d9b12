"""Profiles, addresses, inbox."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE profiles (
            user_id text PRIMARY KEY,
            email text NOT NULL,
            name text NOT NULL,
            phone text NOT NULL,
            language text NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL
        )
    """)
    op.execute("""
        CREATE TABLE addresses (
            address_id text PRIMARY KEY,
            user_id text NOT NULL REFERENCES profiles ON DELETE CASCADE,
            label text NOT NULL,
            line1 text NOT NULL,
            line2 text NOT NULL,
            city text NOT NULL,
            postal_code text NOT NULL,
            country text NOT NULL,
            is_default boolean NOT NULL
        )
    """)
    op.execute("CREATE INDEX ix_addresses_user_id ON addresses (user_id)")
    op.execute("CREATE TABLE inbox (fact_id text PRIMARY KEY, handled_at timestamptz NOT NULL DEFAULT now())")
    op.execute("CREATE INDEX ix_inbox_handled_at ON inbox (handled_at)")
