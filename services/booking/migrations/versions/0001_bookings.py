"""Bookings, the saga's log, the outbox."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    # A booking is written four times within a second. No index names what changes while it is at work, and a page has
    # room for the new versions, so that they stay in it (HOT) and no index is touched.
    op.execute("""
        CREATE TABLE bookings (
            booking_id text PRIMARY KEY,
            user_id text NOT NULL,
            event_id text NOT NULL,
            status text NOT NULL,
            booking jsonb NOT NULL,
            step smallint NOT NULL,
            undoing boolean NOT NULL,
            rests smallint NOT NULL,
            rests_until timestamptz,
            expires_at timestamptz,
            leased_by text,
            leased_until timestamptz
        ) WITH (fillfactor = 70)
    """)
    op.execute("CREATE INDEX ix_bookings_user ON bookings (user_id, booking_id)")
    op.execute("""
        CREATE INDEX ix_bookings_event ON bookings (event_id) WHERE status IN ('CONFIRMED', 'AWAITING_PAYMENT')
    """)
    op.execute("""
        CREATE INDEX ix_bookings_at_work ON bookings (booking_id) WHERE status IN ('PENDING', 'CANCELLING')
    """)
    op.execute("CREATE INDEX ix_bookings_waiting ON bookings (expires_at) WHERE status = 'AWAITING_PAYMENT'")
    op.execute("""
        CREATE TABLE saga_log (
            booking_id text NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            entry text NOT NULL,
            reason text NOT NULL
        )
    """)
    op.execute("CREATE INDEX ix_saga_log_booking ON saga_log (booking_id, at)")
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
