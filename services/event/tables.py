"""The schema `event`, as its migrations leave it."""

from sqlalchemy import ARRAY, Column, Computed, DateTime, Index, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from services.kit.database.outbox import outbox_table

METADATA = MetaData()

VENUES = Table(
    "venues",
    METADATA,
    # UUIDv7: in the order they were made.
    Column("venue_id", Text, primary_key=True),
    Column("organiser_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    # services.event.domain.layout.Section, many.
    Column("sections", JSONB, nullable=False),
    Index("ix_venues_organiser", "organiser_id", "venue_id"),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("event_id", Text, primary_key=True),
    Column("organiser_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("status", Text, nullable=False),
    # services.event.domain.venue.Venue, without its layout.
    Column("venue", JSONB, nullable=False),
    Column("sections", JSONB, nullable=False),
    # services.event.domain.layout.PriceTier, many.
    Column("tiers", JSONB, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("sale_starts_at", DateTime(timezone=True)),
    Column("max_per_booking", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    # Folded as services.event.domain.search does it.
    Column("city_folded", Text, nullable=False),
    Column("words", ARRAY(Text), nullable=False),
    Column("search", TSVECTOR, Computed("array_to_tsvector(words)", persisted=True)),
    # With ends_at, so that the index alone passes over those that are over.
    Index("ix_events_status", "status", "starts_at", "event_id", "ends_at"),
    Index("ix_events_organiser", "organiser_id", "starts_at", "event_id"),
    Index("ix_events_city", "city_folded"),
    Index("ix_events_search", "search", postgresql_using="gin"),
)

OUTBOX = outbox_table(METADATA)
