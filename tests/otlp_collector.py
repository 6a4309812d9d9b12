"""An OTLP collector: the real protocol over gRPC, and the spans in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message


@dataclass(frozen=True, slots=True)
class Span:
    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    attributes: dict[str, Any]
    began_ns: int
    ended_ns: int


@dataclass
class Collector(trace_grpc.TraceServiceServicer):
    spans: list[Span] = field(default_factory=list)
    # Whatever came over the wire, as it prints: what it must not hold is looked for here.
    raw: list[str] = field(default_factory=list)

    async def Export(self, request: pb.ExportTraceServiceRequest, context: object) -> pb.ExportTraceServiceResponse:
        self.raw.append(str(request))
        for of_resource in request.resource_spans:
            about = {one.key: one.value.string_value for one in of_resource.resource.attributes}
            for scope in of_resource.scope_spans:
                self.spans += [_span(about["service.name"], message) for message in scope.spans]
        return pb.ExportTraceServiceResponse()

    def trace(self, trace_id: str) -> Sequence[Span]:
        """Its spans, in the order they began."""
        return sorted((span for span in self.spans if span.trace_id == trace_id), key=lambda span: span.began_ns)


@asynccontextmanager
async def collecting(port: int) -> AsyncIterator[Collector]:
    collector, server = Collector(), grpc.aio.server()
    trace_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    async with _serving(server, port):
        yield collector


class Sink(grpc.GenericRpcHandler):
    """Takes everything and looks at nothing while it is asked, for measurements: what a collector costs is not ours."""

    def __init__(self) -> None:
        self._taken: list[bytes] = []

    def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        return grpc.unary_unary_rpc_method_handler(self._take)

    async def _take(self, request: bytes, _: Any) -> bytes:
        self._taken.append(request)
        return b""

    def names(self) -> Counter[tuple[str, str]]:
        """Service and name of all spans so far, with how many there were."""
        found: Counter[tuple[str, str]] = Counter()
        for request in self._taken:
            for of_resource in pb.ExportTraceServiceRequest.FromString(request).resource_spans:
                about = {one.key: one.value.string_value for one in of_resource.resource.attributes}
                spans = (span for scope in of_resource.scope_spans for span in scope.spans)
                found.update((about["service.name"], span.name) for span in spans)
        return found


@asynccontextmanager
async def sinking(port: int) -> AsyncIterator[Sink]:
    sink, server = Sink(), grpc.aio.server()
    server.add_generic_rpc_handlers((sink,))
    async with _serving(server, port):
        yield sink


@asynccontextmanager
async def _serving(server: grpc.aio.Server, port: int) -> AsyncIterator[None]:
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(0)


def _span(service: str, message: Message) -> Span:
    return Span(
        service=service,
        name=message.name,
        kind=Message.SpanKind.Name(message.kind).removeprefix("SPAN_KIND_"),
        trace_id=message.trace_id.hex(),
        span_id=message.span_id.hex(),
        parent_id=message.parent_span_id.hex(),
        links=tuple(link.span_id.hex() for link in message.links),
        attributes={one.key: _value(one.value) for one in message.attributes},
        began_ns=message.start_time_unix_nano,
        ended_ns=message.end_time_unix_nano,
    )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))
