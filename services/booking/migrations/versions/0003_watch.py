"""For the watch and the timeline: when bookings were settled, what others said of them, findings, marks, receipts."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE bookings ADD COLUMN settled_at timestamptz")
    # A summary of each block of pages: bookings are settled in about the order they came, and an update of this column
    # alone keeps the row in its page (HOT), which it would not with any other index.
    op.execute("""
        CREATE INDEX ix_bookings_settled_at ON bookings USING brin (settled_at)
        WITH (pages_per_range = 32, autosummarize = on)
    """)
    op.execute("CREATE INDEX ix_saga_log_at ON saga_log USING brin (at) WITH (autosummarize = on)")
    op.execute("""
        CREATE TABLE heard (
            fact_id text PRIMARY KEY,
            booking_id text NOT NULL,
            at timestamptz NOT NULL,
            code text NOT NULL,
            reason text NOT NULL,
            about text NOT NULL,
            amount_minor bigint,
            currency text NOT NULL
        )
    """)
    op.execute("CREATE INDEX ix_heard_booking ON heard (booking_id)")
    op.execute("CREATE INDEX ix_heard_at ON heard USING brin (at) WITH (autosummarize = on)")
    op.execute("""
        CREATE TABLE findings (
            invariant text NOT NULL,
            booking_id text NOT NULL,
            what text NOT NULL,
            since timestamptz NOT NULL,
            tried_at timestamptz,
            PRIMARY KEY (invariant, booking_id)
        )
    """)
    op.execute("""
        CREATE TABLE watch_marks (
            way text PRIMARY KEY,
            mark text NOT NULL,
            leased_until timestamptz
        )
    """)
    op.execute("""
        CREATE TABLE repairs (
            repair_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            rule text NOT NULL,
            subject text NOT NULL,
            found text NOT NULL,
            done text NOT NULL DEFAULT '',
            begun_at timestamptz NOT NULL DEFAULT now(),
            ended_at timestamptz
        )
    """)
    op.execute("CREATE UNIQUE INDEX ux_repairs_open ON repairs (rule, subject) WHERE ended_at IS NULL")
    op.execute("CREATE INDEX ix_repairs_subject ON repairs (subject)")
