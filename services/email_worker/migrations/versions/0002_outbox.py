"""The outbox: what became of mails is published."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
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
