"""Traces: one context from the buyer's request to the mail, W3C `traceparent` wherever it leaves the process."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.kit.settings import ServiceSettings

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("ticketing")


def configure_tracing(settings: ServiceSettings) -> None:
    """Call once. Without an endpoint nothing is sampled, and ids still travel so that logs can be joined."""
    endpoint = settings.otel_exporter_otlp_endpoint
    root = TraceIdRatioBased(settings.trace_ratio) if endpoint else ALWAYS_OFF
    resource = Resource.create({"service.name": settings.service, "service.instance.id": settings.instance_id})
    provider = TracerProvider(sampler=ParentBased(root), resource=resource)
    if endpoint:
        # Imported here: it costs memory that a process without an endpoint need not pay.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        insecure = not endpoint.startswith("https://")
        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=insecure, timeout=5)
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


@contextmanager
def span(name: str, *, parent: str = "", kind: SpanKind = SpanKind.INTERNAL) -> Iterator[trace.Span]:
    """A span around a block. `parent` is a traceparent from another process; empty: the current span."""
    parent_context = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
    with _TRACER.start_as_current_span(name, context=parent_context, kind=kind) as started:
        yield started


@contextmanager
def adopted(traceparent: str) -> Iterator[None]:
    """Go on, without a span of one's own, in the trace that began elsewhere."""
    if not traceparent:
        yield
        return
    token = contexts.attach(_PROPAGATOR.extract({"traceparent": traceparent}))
    try:
        yield
    finally:
        contexts.detach(token)


def traceparent() -> str:
    """The current context as a `traceparent` header; empty when there is none."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def current_trace_id() -> str:
    """32 hex digits, or empty outside any trace."""
    here = trace.get_current_span().get_span_context()
    return format(here.trace_id, "032x") if here.is_valid else ""
