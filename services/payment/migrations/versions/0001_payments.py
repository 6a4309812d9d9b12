"""Payments, attempts, refunds, webhook events, outbox; the sandbox's intents, refunds, deliveries and secret."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE payments (
            payment_id text PRIMARY KEY,
            key text NOT NULL UNIQUE,
            booking_id text NOT NULL,
            user_id text NOT NULL,
            amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
            currency text NOT NULL,
            provider text NOT NULL,
            status text NOT NULL CHECK (status IN ('processing', 'requires_action', 'succeeded', 'failed', 'cancelled',
                                                   'refunded', 'partially_refunded')),
            failure_reason text NOT NULL DEFAULT '',
            action_type text NOT NULL DEFAULT '',
            action_url text NOT NULL DEFAULT '',
            action_secret text NOT NULL DEFAULT '',
            provider_ref text NOT NULL DEFAULT '',
            cancelling boolean NOT NULL DEFAULT false,
            claimed_minor bigint NOT NULL DEFAULT 0,
            refunded_minor bigint NOT NULL DEFAULT 0,
            leased_until timestamptz,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            CONSTRAINT no_more_back_than_came CHECK (0 <= refunded_minor AND refunded_minor <= claimed_minor
                                                     AND claimed_minor <= amount_minor)
        )
    """)
    op.execute("""
        CREATE INDEX ix_payments_unsettled ON payments (updated_at)
        WHERE status = 'processing' OR (cancelling AND status IN ('requires_action', 'succeeded', 'partially_refunded'))
    """)
    op.execute("CREATE INDEX ix_payments_booking_id ON payments (booking_id)")
    op.execute("""
        CREATE TABLE payment_attempts (
            payment_id text NOT NULL REFERENCES payments ON DELETE CASCADE,
            attempt smallint NOT NULL,
            payment_method text NOT NULL,
            description text NOT NULL,
            asked_at timestamptz NOT NULL,
            PRIMARY KEY (payment_id, attempt)
        )
    """)
    op.execute("""
        CREATE TABLE refunds (
            payment_id text NOT NULL REFERENCES payments ON DELETE CASCADE,
            refund_key text NOT NULL,
            refund_id text NOT NULL UNIQUE,
            minor bigint NOT NULL CHECK (minor > 0),
            status text NOT NULL CHECK (status IN ('pending', 'done', 'refused')),
            leased_until timestamptz,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (payment_id, refund_key)
        )
    """)
    op.execute("CREATE INDEX ix_refunds_pending ON refunds (created_at) WHERE status = 'pending'")
    op.execute("""
        CREATE TABLE webhook_events (
            event_id text PRIMARY KEY,
            ref text NOT NULL,
            payment_id text NOT NULL,
            received_at timestamptz NOT NULL,
            leased_until timestamptz,
            handled_at timestamptz
        )
    """)
    op.execute("CREATE INDEX ix_webhook_events_waiting ON webhook_events (received_at) WHERE handled_at IS NULL")
    op.execute("CREATE INDEX ix_webhook_events_handled_at ON webhook_events (handled_at)")
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
    op.execute("""
        CREATE TABLE sandbox_intents (
            intent_id text PRIMARY KEY,
            charge_key text NOT NULL UNIQUE,
            asked text NOT NULL,
            client_secret text NOT NULL,
            amount_minor bigint NOT NULL CHECK (amount_minor > 0),
            currency text NOT NULL,
            status text NOT NULL CHECK (status IN ('requires_payment_method', 'requires_action', 'succeeded', 'canceled')),
            failure text NOT NULL DEFAULT '',
            payment_method text NOT NULL DEFAULT '',
            refunded_minor bigint NOT NULL DEFAULT 0 CHECK (refunded_minor BETWEEN 0 AND amount_minor),
            payment_id text NOT NULL,
            booking_id text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX ix_sandbox_intents_payment_id ON sandbox_intents (payment_id)")
    op.execute("""
        CREATE TABLE sandbox_refunds (
            refund_id text PRIMARY KEY,
            refund_key text NOT NULL UNIQUE,
            intent_id text NOT NULL REFERENCES sandbox_intents,
            amount_minor bigint NOT NULL CHECK (amount_minor > 0),
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("""
        CREATE TABLE sandbox_deliveries (
            event_id text PRIMARY KEY,
            body text NOT NULL,
            tries integer NOT NULL DEFAULT 0,
            due_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX ix_sandbox_deliveries_due_at ON sandbox_deliveries (due_at)")
    op.execute(
        "CREATE TABLE sandbox_secret (only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), secret text NOT NULL)"
    )
