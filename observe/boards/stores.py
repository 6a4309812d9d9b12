"""PostgreSQL, Redis and Kafka, as their users see them."""

from __future__ import annotations

from typing import Final

from observe.panels import Board, Panel, Query, quantile, rate

_POSTGRES: Final = (
    Panel(
        title="Transactions",
        description="A second, by service and result. `contended` is tried again; `away` means no answer.",
        unit="ops",
        stacked=True,
        queries=[Query(rate("postgres_transaction_seconds_count", by="job, result"), "{{job}} {{result}}")],
    ),
    Panel(
        title="Transaction duration",
        description="95 % stay under this, waiting for a connection included. It climbs for all services at once when "
        "the disk is slow, for one of them when rows are contended.",
        unit="s",
        queries=[Query(quantile(0.95, "postgres_transaction_seconds", by="job"), "{{job}}")],
    ),
    Panel(
        title="Pool",
        description="Share of the connections a service may open that are at work. At 1, transactions wait for one.",
        unit="percentunit",
        queries=[Query("max by (job) (postgres_pool_in_use / (postgres_pool_limit > 0))", "{{job}}")],
    ),
)
_REDIS: Final = (
    Panel(
        title="Redis connections at work",
        description="By service and client.",
        unit="short",
        queries=[Query("sum by (job, client) (redis_pool_in_use)", "{{job}} {{client}}")],
    ),
    Panel(
        title="Commands without an answer",
        description="Commands to Redis that broke, were late, or came while it was not ready. 0 on a good day; a peak "
        "that ends at once is a connection that was cut.",
        unit="ops",
        queries=[Query(rate("redis_unanswered_total", by="job"), "{{job}}")],
    ),
    Panel(
        title="Stores answer",
        description="1 while a store answers the health checks.",
        unit="short",
        queries=[Query('min by (dependency) (dependency_up{dependency=~"postgres|redis|kafka"})', "{{dependency}}")],
    ),
)
_KAFKA: Final = (
    Panel(
        title="Behind",
        description="Messages that a consumer has yet to read. A line that climbs is a consumer that is stuck.",
        unit="short",
        queries=[Query("sum by (job, topic) (facts_behind)", "{{job}} {{topic}}")],
    ),
    Panel(
        title="Age of facts",
        description="From becoming true to being handled, the oldest of a batch, 95 % at most.",
        unit="s",
        queries=[Query(quantile(0.95, "facts_age_seconds", by="job, topic"), "{{job}} {{topic}}")],
    ),
    Panel(
        title="Facts consumed",
        description="By service and topic; buried ones went to the dead-letter topic.",
        unit="ops",
        queries=[Query(rate("facts_consumed_total", by="job, topic, result"), "{{job}} {{topic}} {{result}}")],
    ),
    Panel(
        title="Outbox",
        description="Facts that wait to be sent. While Kafka is away they gather here, and nothing is lost.",
        unit="short",
        queries=[Query('max by (job) (outbox_waiting{job=~"auth|event|ticket|booking|payment"})', "{{job}}")],
    ),
    Panel(
        title="Facts published",
        description="By topic.",
        unit="ops",
        queries=[Query(rate("facts_published_total", by="topic"), "{{topic}}")],
    ),
    Panel(
        title="Publishing",
        description="Time until Kafka has a batch for good, 95 % at most.",
        unit="s",
        queries=[Query(quantile(0.95, "facts_publish_seconds", by="job"), "{{job}}")],
    ),
)

BOARD: Final = Board(
    uid="ticketing-stores",
    title="Ticketing / Data stores",
    description="Is it the database, the queue or the bus?",
    rows=[("PostgreSQL", _POSTGRES), ("Redis", _REDIS), ("Kafka", _KAFKA)],
)
