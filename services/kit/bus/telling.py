"""What is measured and traced of facts on their way: one place for every publisher and consumer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import structlog
from opentelemetry.trace import Span, SpanKind

from services.kit import metrics, tracing
from services.kit.bus.facts import Fact

log = structlog.get_logger()


def expected(topics: Sequence[str]) -> None:
    """These will be consumed. A series that begins with its first failure tells Prometheus of no increase."""
    for topic in topics:
        metrics.FACTS_CONSUMED.labels(topic, "buried")


@contextmanager
def published(facts: Sequence[Fact]) -> Iterator[Sequence[Fact]]:
    """Around a sending: the facts as they travel, each of a sampled trace with a span of its own."""
    spans = [_sending(fact) for fact in facts]
    began, result, failure = time.perf_counter(), "failed", "NotTaken"
    try:
        yield [
            replace(fact, traceparent=tracing.traceparent(span)) if span else fact
            for fact, span in _pairs(facts, spans)
        ]
        result, failure = "taken", ""
    finally:
        _end(spans, failure)
        metrics.PUBLISH_DURATION.labels(result).observe(time.perf_counter() - began)


@contextmanager
def handled(facts: Sequence[Fact], *, group: str) -> Iterator[None]:
    """Around the handling of a batch."""
    _tell_ages(facts)
    spans = [_handling(fact, group) for fact in facts]
    began, failure = time.perf_counter(), "failed"
    try:
        with tracing.led(spans):
            yield
            metrics.FACTS_DURATION.observe(time.perf_counter() - began, tracing.exemplar())
            log.debug("facts_handled", count=len(facts), group=group)
        failure = ""
    except Exception as error:
        failure = tracing.failure_of(error)
        raise
    finally:
        _end(spans, failure)


def _tell_ages(facts: Sequence[Fact]) -> None:
    oldest: dict[str, float] = {}
    for fact in facts:
        said_at = fact.time.timestamp()
        oldest[fact.topic] = min(said_at, oldest.get(fact.topic, said_at))
    for topic, said_at in oldest.items():
        metrics.FACTS_AGE.labels(topic).observe(max(0.0, time.time() - said_at))


def _sending(fact: Fact) -> Span | None:
    if not tracing.is_sampled(fact.traceparent):
        return None
    about = _about(fact) | {"messaging.operation.name": "send", "messaging.operation.type": "send"}
    return tracing.begun(f"send {fact.topic}", parent=fact.traceparent, kind=SpanKind.PRODUCER, attributes=about)


def _handling(fact: Fact, group: str) -> Span | None:
    if not tracing.is_sampled(fact.traceparent):
        return None
    about = _about(fact) | {
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.consumer.group.name": group,
    }
    return tracing.begun(f"process {fact.topic}", parent=fact.traceparent, kind=SpanKind.CONSUMER, attributes=about)


def _about(fact: Fact) -> dict[str, str | int | float | bool]:
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": fact.topic,
        "messaging.message.id": fact.id,
        "cloudevents.event_id": fact.id,
        "cloudevents.event_type": fact.type,
    }


def _pairs(facts: Sequence[Fact], spans: Sequence[Span | None]) -> Iterator[tuple[Fact, Span | None]]:
    return zip(facts, spans, strict=True)


def _end(spans: Sequence[Span | None], failure: str) -> None:
    for span in spans:
        if span is not None:
            tracing.end(span, failure)
