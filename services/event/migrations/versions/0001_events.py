"""Venues, events, outbox."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE venues (
            venue_id text PRIMARY KEY,
            organiser_id text NOT NULL,
            name text NOT NULL,
            address text NOT NULL,
            city text NOT NULL,
            country text NOT NULL,
            timezone text NOT NULL,
            sections jsonb NOT NULL
        )
    """)
    op.execute("CREATE INDEX ix_venues_organiser ON venues (organiser_id, venue_id)")
    op.execute("""
        CREATE TABLE events (
            event_id text PRIMARY KEY,
            organiser_id text NOT NULL,
            title text NOT NULL,
            description text NOT NULL,
            category text NOT NULL,
            status text NOT NULL CHECK (status IN ('DRAFT', 'PUBLISHED', 'CANCELLED')),
            venue jsonb NOT NULL,
            sections jsonb NOT NULL,
            tiers jsonb NOT NULL,
            capacity integer NOT NULL,
            starts_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL,
            sale_starts_at timestamptz,
            max_per_booking integer NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            city_folded text NOT NULL,
            words text[] NOT NULL,
            search tsvector GENERATED ALWAYS AS (array_to_tsvector(words)) STORED
        )
    """)
    op.execute("CREATE INDEX ix_events_status ON events (status, starts_at, event_id, ends_at)")
    op.execute("CREATE INDEX ix_events_organiser ON events (organiser_id, starts_at, event_id)")
    op.execute("CREATE INDEX ix_events_city ON events (city_folded)")
    op.execute("CREATE INDEX ix_events_search ON events USING gin (search)")
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
