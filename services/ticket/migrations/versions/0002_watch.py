"""Holds by event, for the watch; receipts of repairs."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Of a column that never changes: a hold's updates stay in their page (HOT).
    op.execute("CREATE INDEX ix_holds_event ON holds (event_id)")
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
