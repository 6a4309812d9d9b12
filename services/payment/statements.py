"""SQL that is written for many rows, or that must be just so."""

from typing import Final

from sqlalchemy import text

from services.payment.rows import FIXED, MUTABLE, unnest_of

# One statement, so that a payment without its attempt can not be. S608: only our own names are put in.
ADD: Final = text(f"""
    WITH new AS (SELECT * FROM {unnest_of(FIXED)}),
    added AS (
        INSERT INTO payments (payment_id, key, booking_id, user_id, amount_minor, currency, provider, status,
                              current_attempt, created_at, updated_at)
        SELECT payment_id, key, booking_id, user_id, amount_minor, currency, provider, status,
               attempt, created_at, created_at
        FROM new
        ON CONFLICT (key) DO NOTHING
        RETURNING payment_id, key
    ),
    attempts AS (
        INSERT INTO payment_attempts (payment_id, attempt, payment_method, description, asked_at)
        SELECT new.payment_id, attempt, payment_method, description, created_at
        FROM new JOIN added USING (payment_id)
    )
    SELECT key FROM added
""")  # noqa: S608

SELECT: Final = """
    SELECT payments.*, attempt, payment_method, description
    FROM payments JOIN payment_attempts
        ON payment_attempts.payment_id = payments.payment_id AND attempt = current_attempt
"""
_LOCKED: Final = " ORDER BY payments.payment_id FOR UPDATE OF payments"
BY_ID: Final = text(SELECT + "WHERE payments.payment_id = ANY(CAST(:ids AS text[]))")
BY_ID_LOCKED: Final = text(BY_ID.text + _LOCKED)
BY_KEY: Final = text(SELECT + "WHERE key = ANY(CAST(:keys AS text[]))")
BY_KEY_LOCKED: Final = text(BY_KEY.text + _LOCKED)

SAVE: Final = text(f"""
    UPDATE payments SET {", ".join(f"{name} = new.{name}" for name, _, _ in MUTABLE[1:])}
    FROM {unnest_of(MUTABLE)}
    WHERE payments.payment_id = new.payment_id
""")  # noqa: S608

ADD_ATTEMPT: Final = text("""
    INSERT INTO payment_attempts (payment_id, attempt, payment_method, description, asked_at)
    VALUES (:payment_id, :attempt, :payment_method, :description, :asked_at)
""")

FIND_REFUND: Final = text("SELECT * FROM refunds WHERE payment_id = :payment_id AND refund_key = :refund_key")

LEASE_UNSETTLED: Final = text("""
    UPDATE payments SET leased_until = :until
    WHERE payment_id IN (
        SELECT payment_id FROM payments
        WHERE (status = 'processing'
               OR (cancelling AND status IN ('requires_action', 'succeeded', 'partially_refunded')))
          AND updated_at < :before AND (leased_until IS NULL OR leased_until < :at)
        ORDER BY updated_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    RETURNING payment_id
""")

LEASE_REFUNDS: Final = text("""
    UPDATE refunds SET leased_until = :until
    WHERE refund_id IN (
        SELECT refund_id FROM refunds
        WHERE status = 'pending' AND created_at < :before AND (leased_until IS NULL OR leased_until < :at)
        ORDER BY created_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    RETURNING *
""")

LEASE_EVENTS: Final = text("""
    UPDATE webhook_events SET leased_until = :until
    WHERE event_id IN (
        SELECT event_id FROM webhook_events
        WHERE handled_at IS NULL AND (leased_until IS NULL OR leased_until < :at)
        ORDER BY received_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    RETURNING *
""")
