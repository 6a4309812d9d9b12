"""OTLP's messages of the SDK's spans, made while a span ends: protobuf's encoding, with what repeats done once.

Messages of one type that are written one behind the other are read as one message
(https://protobuf.dev/programming-guides/encoding/#last-one-wins). So the bytes of an attribute are kept from one span
to the next, and a request is put together from spans that are bytes already.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, SpanFlags, Status
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext, SpanKind, StatusCode

_KIND: Final = {
    SpanKind.INTERNAL: Span.SPAN_KIND_INTERNAL,
    SpanKind.SERVER: Span.SPAN_KIND_SERVER,
    SpanKind.CLIENT: Span.SPAN_KIND_CLIENT,
    SpanKind.PRODUCER: Span.SPAN_KIND_PRODUCER,
    SpanKind.CONSUMER: Span.SPAN_KIND_CONSUMER,
}
_FAILED: Final = Status(code=Status.STATUS_CODE_ERROR)
_UNSET: Final = Status()
_HERE: Final = int(SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
_REMOTE: Final = _HERE | int(SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)


def encoded(span: ReadableSpan) -> bytes:
    """A span that has ended, as a Span. What ours do not have is left out: events, trace state, attributes of links,
    and attributes that are neither text nor number nor truth."""
    place, parent = span.get_span_context() or INVALID_SPAN_CONTEXT, span.parent
    message = Span(
        trace_id=place.trace_id.to_bytes(16),
        span_id=place.span_id.to_bytes(8),
        parent_span_id=parent.span_id.to_bytes(8) if parent else b"",
        name=span.name,
        kind=_KIND[span.kind],
        start_time_unix_nano=span.start_time or 0,
        end_time_unix_nano=span.end_time or 0,
        links=[_link(one.context) for one in span.links],
        status=_FAILED if span.status.status_code is StatusCode.ERROR else _UNSET,
        flags=_flags(parent),
    )
    return message.SerializeToString() + b"".join([_attribute(*one) for one in (span.attributes or {}).items()])


def _link(place: SpanContext) -> Span.Link:
    return Span.Link(trace_id=place.trace_id.to_bytes(16), span_id=place.span_id.to_bytes(8), flags=_flags(place))


def _flags(place: SpanContext | None) -> int:
    return _REMOTE if place is not None and place.is_remote else _HERE


# By type as well: True is not 1 to whoever reads it.
@lru_cache(512, typed=True)
def _attribute(name: str, value: Any) -> bytes:
    """A Span that has this attribute and nothing else."""
    return Span(attributes=[_said(name, value)]).SerializeToString()


def _said(name: str, value: Any) -> KeyValue:
    match value:
        case bool():
            return KeyValue(key=name, value=AnyValue(bool_value=value))
        case int():
            return KeyValue(key=name, value=AnyValue(int_value=value))
        case float():
            return KeyValue(key=name, value=AnyValue(double_value=value))
        case _:
            return KeyValue(key=name, value=AnyValue(string_value=str(value)))


def request_of(spans: Iterable[bytes], resource: Resource, scope: str) -> bytes:
    """An ExportTraceServiceRequest of one process with one tracer."""
    of_scope = [
        ScopeSpans(scope=InstrumentationScope(name=scope)).SerializeToString(),
        *(_nested(ScopeSpans.SPANS_FIELD_NUMBER, span) for span in spans),
    ]
    said = ResourceMessage(attributes=[_said(name, value) for name, value in resource.attributes.items()])
    of_process = [
        ResourceSpans(resource=said, schema_url=resource.schema_url).SerializeToString(),
        _nested(ResourceSpans.SCOPE_SPANS_FIELD_NUMBER, b"".join(of_scope)),
    ]
    return _nested(ExportTraceServiceRequest.RESOURCE_SPANS_FIELD_NUMBER, b"".join(of_process))


def _nested(field: int, message: bytes) -> bytes:
    """A message as a field of another one: field number and wire type, length, itself."""
    start, length = bytearray((field << 3 | 2,)), len(message)
    while length > 0x7F:
        start.append(length & 0x7F | 0x80)
        length >>= 7
    start.append(length)
    return bytes(start) + message
