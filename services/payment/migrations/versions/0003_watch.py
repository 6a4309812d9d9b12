"""For the comparison with the PSP: payments and sandbox charges by when they were begun; receipts of repairs."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Rows come in the order of their time, so a summary of each block of pages is index enough, and costs no write.
    op.execute("CREATE INDEX ix_payments_created_at ON payments USING brin (created_at) WITH (autosummarize = on)")
    op.execute("""
        CREATE INDEX ix_sandbox_intents_created_at ON sandbox_intents USING brin (created_at)
        WITH (autosummarize = on)
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
