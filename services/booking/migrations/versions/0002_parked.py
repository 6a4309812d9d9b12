"""Sagas that wait for a person."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE bookings ADD COLUMN parked_at timestamptz")
    # Empty on good days, so it costs the writes on the way to a sale nothing.
    op.execute("CREATE INDEX ix_bookings_parked ON bookings (parked_at) WHERE parked_at IS NOT NULL")
