"""Our encoding of spans says what the SDK's own does."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from services.kit.otlp import encoded, request_of

ABOUT = Resource({"service.name": "booking", "process.pid": 7})
ELSEWHERE = SpanContext(0xAF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, True, TraceFlags(TraceFlags.SAMPLED))


class Kept(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def ended() -> Sequence[ReadableSpan]:
    """A span of every kind, with all that ours can have."""
    kept, provider = Kept(), TracerProvider(resource=ABOUT, shutdown_on_exit=False)
    provider.add_span_processor(kept)
    tracer = provider.get_tracer("ticketing")
    begun = [tracer.start_span("root")]
    for parent in (begun[0], NonRecordingSpan(ELSEWHERE)):
        begun += [tracer.start_span(f"a {kind}", trace.set_span_in_context(parent), kind) for kind in SpanKind]
    for one in begun:
        one.set_attribute("text", "Straße 北京")
        one.set_attribute("number", 12345678901)
        one.set_attribute("fraction", 0.25)
        one.set_attribute("one", 1)
        one.set_attribute("truth", True)
        one.set_attribute("one.again", True)
    begun[1].add_link(ELSEWHERE)
    begun[1].add_link(begun[2].get_span_context())
    begun[2].set_status(Status(StatusCode.ERROR))
    for one in begun:
        one.end()
    return kept.spans


def test_a_request_says_what_the_sdks_own_encoder_says() -> None:
    spans = ended()

    ours = ExportTraceServiceRequest.FromString(request_of([encoded(one) for one in spans], ABOUT, "ticketing"))

    assert ours == encode_spans(spans)


def test_a_value_of_another_type_is_not_mistaken_for_its_equal() -> None:
    kept, provider = Kept(), TracerProvider(resource=ABOUT, shutdown_on_exit=False)
    provider.add_span_processor(kept)
    for value in (1, True, 1.0):
        provider.get_tracer("ticketing").start_span("one", attributes={"value": value}).end()

    ours = ExportTraceServiceRequest.FromString(request_of(map(encoded, kept.spans), ABOUT, "ticketing"))

    assert ours == encode_spans(kept.spans)
