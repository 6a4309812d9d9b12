"""Events, sections, seats, holds, tickets, signing keys, inbox, outbox."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE events (
            event_id text COLLATE "C" PRIMARY KEY,
            sections jsonb NOT NULL,
            tiers jsonb NOT NULL,
            max_per_booking integer NOT NULL,
            sale_starts_at timestamptz,
            cancelled boolean NOT NULL DEFAULT false,
            version bigint NOT NULL DEFAULT 1
        ) WITH (fillfactor = 50)
    """)
    op.execute("""
        CREATE TABLE sections (
            event_id text COLLATE "C" NOT NULL REFERENCES events,
            section_id text COLLATE "C" NOT NULL,
            capacity integer NOT NULL,
            held integer NOT NULL DEFAULT 0,
            sold integer NOT NULL DEFAULT 0,
            PRIMARY KEY (event_id, section_id),
            CONSTRAINT never_oversold CHECK (held >= 0 AND sold >= 0 AND held + sold <= capacity)
        ) WITH (fillfactor = 50)
    """)
    # No reference to sections: a hundred thousand seats are loaded in one statement, and never one by one.
    op.execute("""
        CREATE TABLE seats (
            event_id text COLLATE "C" NOT NULL,
            seat_id text COLLATE "C" NOT NULL,
            section_id text COLLATE "C" NOT NULL,
            row_no integer NOT NULL,
            row_label text COLLATE "C" NOT NULL,
            number integer NOT NULL,
            state text COLLATE "C" NOT NULL DEFAULT 'f',
            hold_key text COLLATE "C" NOT NULL DEFAULT '',
            PRIMARY KEY (event_id, seat_id),
            CONSTRAINT state_is_known CHECK (state IN ('f', 'h', 's')),
            CONSTRAINT taken_by_somebody CHECK ((state = 'f') = (hold_key = ''))
        ) WITH (fillfactor = 80)
    """)
    op.execute("CREATE INDEX ix_seats_free ON seats (event_id, section_id, row_no, number) WHERE state = 'f'")
    op.execute("""
        CREATE TABLE holds (
            key text COLLATE "C" PRIMARY KEY,
            event_id text COLLATE "C" NOT NULL,
            user_id text COLLATE "C" NOT NULL,
            fingerprint text COLLATE "C" NOT NULL,
            places jsonb NOT NULL,
            currency text COLLATE "C" NOT NULL,
            state text COLLATE "C" NOT NULL,
            expires_at timestamptz,
            made_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT state_is_known CHECK (state IN ('held', 'sold', 'released', 'expired')),
            CONSTRAINT only_held_expires CHECK (expires_at IS NULL OR state = 'held')
        ) WITH (fillfactor = 70)
    """)
    op.execute("CREATE INDEX ix_holds_expires_at ON holds (expires_at) WHERE expires_at IS NOT NULL")
    # No reference to holds: it would be checked ticket by ticket, and both are written by one transaction.
    op.execute("""
        CREATE TABLE tickets (
            hold_key text COLLATE "C" NOT NULL,
            ordinal integer NOT NULL,
            ticket_id text COLLATE "C" NOT NULL,
            event_id text COLLATE "C" NOT NULL,
            section_id text COLLATE "C" NOT NULL,
            seat_id text COLLATE "C" NOT NULL,
            booking_id text COLLATE "C" NOT NULL,
            void boolean NOT NULL DEFAULT false,
            issued_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (hold_key, ordinal)
        ) WITH (fillfactor = 90)
    """)
    # The last line of defence: a seat has one valid ticket at most, whatever the code above believes.
    op.execute("""
        CREATE UNIQUE INDEX ux_tickets_seat ON tickets (event_id, seat_id) WHERE NOT void AND seat_id <> ''
    """)
    op.execute("""
        CREATE TABLE signing_keys (
            kid text COLLATE "C" PRIMARY KEY,
            public_key bytea NOT NULL,
            seed bytea,
            made_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE TABLE inbox (fact_id text PRIMARY KEY, handled_at timestamptz NOT NULL DEFAULT now())")
    op.execute("CREATE INDEX ix_inbox_handled_at ON inbox (handled_at)")
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
