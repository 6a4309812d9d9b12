"""Who has leased a mail: a sender that is started again goes on with its own at once."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE mails ADD COLUMN sender text NOT NULL DEFAULT ''")
