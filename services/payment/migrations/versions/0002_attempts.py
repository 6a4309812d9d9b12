"""Several attempts at one payment, and money that comes late."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Not `attempt`: the code before this joins with a table that has a column of that name.
    op.execute("ALTER TABLE payments ADD COLUMN current_attempt smallint NOT NULL DEFAULT 1")
    op.execute("ALTER TABLE payments ADD COLUMN late boolean NOT NULL DEFAULT false")
