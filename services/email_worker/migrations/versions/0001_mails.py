"""Recipients, shows, mails, inbox."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE recipients (
            user_id text PRIMARY KEY,
            email text NOT NULL,
            name text NOT NULL,
            language text NOT NULL
        )
    """)
    op.execute("""
        CREATE TABLE shows (
            event_id text PRIMARY KEY,
            title text NOT NULL,
            venue text NOT NULL,
            city text NOT NULL,
            timezone text NOT NULL,
            starts_at timestamptz NOT NULL,
            cancel_reason text NOT NULL DEFAULT ''
        )
    """)
    op.execute("""
        CREATE TABLE mails (
            mail_id text PRIMARY KEY,
            message_id text NOT NULL,
            kind text NOT NULL,
            booking_id text NOT NULL,
            user_id text NOT NULL,
            event_id text NOT NULL,
            details jsonb NOT NULL,
            traceparent text NOT NULL,
            added_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            state text NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'withdrawn')),
            tries integer NOT NULL,
            reason text NOT NULL DEFAULT '',
            settled_at timestamptz,
            UNIQUE (booking_id, kind)
        )
    """)
    op.execute("CREATE INDEX ix_mails_due ON mails (due_at) WHERE state IN ('waiting', 'sending')")
    op.execute("CREATE INDEX ix_mails_of_user ON mails (user_id) WHERE state = 'waiting'")
    op.execute("CREATE INDEX ix_mails_of_event ON mails (event_id) WHERE state = 'waiting' AND reason = 'facts'")
    op.execute("CREATE INDEX ix_mails_settled ON mails (settled_at) WHERE settled_at IS NOT NULL")
    op.execute("CREATE TABLE inbox (fact_id text PRIMARY KEY, handled_at timestamptz NOT NULL DEFAULT now())")
    op.execute("CREATE INDEX ix_inbox_handled_at ON inbox (handled_at)")
