"""Events that were cancelled, for bookings that are confirmed a moment later."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE cancelled_events (
            event_id text PRIMARY KEY,
            cancelled_at timestamptz NOT NULL DEFAULT now()
        )
    """)
