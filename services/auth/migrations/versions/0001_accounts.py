"""Accounts, sessions, refresh tokens, signing keys, outbox."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE accounts (
            user_id text PRIMARY KEY,
            email text NOT NULL UNIQUE CHECK (email = lower(email)),
            name text NOT NULL,
            password_hash text NOT NULL,
            roles text[] NOT NULL,
            created_at timestamptz NOT NULL
        )
    """)
    op.execute("""
        CREATE TABLE sessions (
            session_id text PRIMARY KEY,
            user_id text NOT NULL REFERENCES accounts ON DELETE CASCADE,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz
        )
    """)
    op.execute("CREATE INDEX ix_sessions_user_id ON sessions (user_id)")
    op.execute("CREATE INDEX ix_sessions_expires_at ON sessions (expires_at)")
    op.execute("""
        CREATE TABLE refresh_tokens (
            digest bytea PRIMARY KEY,
            session_id text NOT NULL REFERENCES sessions ON DELETE CASCADE,
            expires_at timestamptz NOT NULL,
            used_at timestamptz
        )
    """)
    op.execute("CREATE INDEX ix_refresh_tokens_session_id ON refresh_tokens (session_id)")
    op.execute("CREATE INDEX ix_refresh_tokens_expires_at ON refresh_tokens (expires_at)")
    op.execute("""
        CREATE TABLE signing_keys (
            kid text PRIMARY KEY,
            public_key bytea NOT NULL,
            sealed_private_key bytea NOT NULL,
            created_at timestamptz NOT NULL,
            signs_from timestamptz NOT NULL,
            retires_at timestamptz
        )
    """)
    op.execute("""
        CREATE TABLE outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            fact_id text NOT NULL,
            topic text NOT NULL,
            key text NOT NULL,
            type text NOT NULL,
            body bytea NOT NULL,
            traceparent text NOT NULL,
            added_at timestamptz NOT NULL DEFAULT now()
        )
    """)
