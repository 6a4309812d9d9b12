"""Traces: what is sampled is the edge's decision, and what fails or is slow is kept all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind

from services.kit import tracing
from services.kit.batching import Batcher
from services.kit.errors import Invalid, NotNow
from services.kit.tracing import TRACING

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


class Collected:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def named(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.name == name]
        return found


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collected]:
    collected, provider = Collected(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(collected.exporter))
    monkeypatch.setattr(TRACING, "tracer", provider.get_tracer("test"))
    monkeypatch.setattr(TRACING, "slow_s", 1000.0)
    yield collected
    provider.shutdown()


def place(span: ReadableSpan) -> SpanContext:
    found = span.get_span_context()
    assert found is not None
    return found


def trace_id(span: ReadableSpan) -> str:
    return format(place(span).trace_id, "032x")


def test_a_span_of_a_sampled_trace_is_its_child(collected: Collected) -> None:
    with tracing.span("inner", parent=SAMPLED, kind=SpanKind.SERVER):
        here = tracing.traceparent()

    (span,) = collected.spans
    assert trace_id(span) == TRACE_ID
    assert span.parent is not None
    assert format(span.parent.span_id, "016x") == "b7ad6b7169203331"
    assert here == f"00-{TRACE_ID}-{place(span).span_id:016x}-01"


def test_a_trace_that_is_not_sampled_passes_its_id_on_and_makes_no_span(collected: Collected) -> None:
    with tracing.span("inner", parent=UNSAMPLED, kind=SpanKind.SERVER):
        assert tracing.traceparent() == UNSAMPLED
        assert tracing.current_trace_id() == TRACE_ID

    assert collected.spans == []
    assert tracing.traceparent() == ""


def test_outside_any_trace_there_is_no_span(collected: Collected) -> None:
    with tracing.span("job"):
        assert tracing.traceparent() == ""

    assert collected.spans == []


def test_whoever_asks_from_outside_does_not_decide_what_is_sampled(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TRACING, "ratio", 0.0)

    with tracing.edge("GET /", SAMPLED, {}):
        assert tracing.traceparent() == UNSAMPLED

    assert collected.spans == []


def test_a_request_without_a_trace_begins_one(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TRACING, "ratio", 1.0)

    with tracing.edge("GET /", "nonsense", {"http.route": "/"}):
        here = tracing.current_trace_id()

    (span,) = collected.spans
    assert span.parent is None
    assert trace_id(span) == here
    assert (span.attributes or {})["http.route"] == "/"


def test_a_fault_of_a_trace_that_is_not_sampled_is_kept_alone(collected: Collected) -> None:
    with pytest.raises(NotNow), tracing.span("call", parent=UNSAMPLED, kind=SpanKind.SERVER):
        raise NotNow("what somebody typed")

    (span,) = collected.spans
    assert trace_id(span) == TRACE_ID
    assert span.attributes == {"ticketing.kept": "failed", "error.type": "NotNow"}
    assert "typed" not in span.to_json()


def test_a_refusal_is_an_answer_and_no_failure(collected: Collected) -> None:
    with pytest.raises(Invalid), tracing.span("call", parent=UNSAMPLED, kind=SpanKind.SERVER):
        raise Invalid("seats: too many")

    assert collected.spans == []


def test_a_slow_message_of_a_trace_that_is_not_sampled_is_kept_alone(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TRACING, "slow_s", 0.0)

    with tracing.span("process", parent=UNSAMPLED, kind=SpanKind.CONSUMER):
        pass

    assert (collected.named("process").attributes or {})["ticketing.kept"] == "slow"


def test_failures_that_come_in_floods_are_kept_in_a_bounded_number(collected: Collected) -> None:
    for _ in range(500):
        with tracing.span("call", parent=UNSAMPLED, kind=SpanKind.SERVER) as around:
            around.failed("UNAVAILABLE")

    assert 1 <= len(collected.spans) < 100


async def test_a_batch_is_worked_in_the_trace_of_the_first_and_the_others_link_there(collected: Collected) -> None:
    other = SAMPLED.replace("0af7", "1af7")

    async def work(items: list[str]) -> list[str]:
        with tracing.span("work"):
            return items

    batcher: Batcher[str, str] = Batcher(work, name="reserve")

    async def ask(item: str, parent: str) -> None:
        with tracing.adopted(parent):
            await batcher(item)

    await asyncio.gather(ask("a", UNSAMPLED), ask("b", SAMPLED), ask("c", other))

    first, second = sorted((span for span in collected.spans if span.name == "reserve"), key=trace_id)
    work_span = collected.named("work")
    assert work_span.parent is not None
    assert work_span.parent.span_id == place(first).span_id
    assert [link.context.span_id for link in second.links] == [place(first).span_id]
    assert [link.context.span_id for link in first.links] == [place(second).span_id]


@pytest.mark.parametrize("text", ["", "nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01", SAMPLED.upper()])
def test_what_is_no_traceparent_names_no_place(text: str) -> None:
    assert tracing.parsed(text) is None


def test_without_a_collector_nothing_is_sampled_and_ids_travel() -> None:
    with tracing.edge("GET /", "", {}):
        assert tracing.traceparent().endswith("-00")
        assert len(tracing.current_trace_id()) == 32
