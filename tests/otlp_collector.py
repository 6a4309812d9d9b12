"""An OTLP collector: the real protocol over gRPC, and the spans in memory."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
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


class _Taking(grpc.GenericRpcHandler):
    """Takes everything and looks at nothing."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        return grpc.unary_unary_rpc_method_handler(self._take)

    async def _take(self, request: bytes, _: Any) -> bytes:
        self.taken.append(request)
        return b""


@dataclass(frozen=True)
class Sink:
    """A collector for measurements, in a process of its own: what it takes of a machine is no cost of who sends."""

    pid: int
    _link: Connection

    def names(self) -> Counter[tuple[str, str]]:
        """Service and name of all spans so far, with how many there were."""
        self._link.send(None)
        found: Counter[tuple[str, str]] = Counter()
        for request in self._link.recv():
            for of_resource in pb.ExportTraceServiceRequest.FromString(request).resource_spans:
                about = {one.key: one.value.string_value for one in of_resource.resource.attributes}
                spans = (span for scope in of_resource.scope_spans for span in scope.spans)
                found.update((about["service.name"], span.name) for span in spans)
        return found


@contextmanager
def sinking(port: int) -> Iterator[Sink]:
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_sink, args=(port, its), name="sink")
    process.start()
    try:
        ours.recv()  # It listens.
        yield Sink(process.pid or 0, ours)
    finally:
        process.terminate()
        process.join()


def _sink(port: int, link: Connection) -> None:
    async def serve() -> None:
        taking, server = _Taking(), grpc.aio.server()
        server.add_generic_rpc_handlers((taking,))
        async with _serving(server, port):
            link.send(None)
            while True:
                await asyncio.to_thread(link.recv)
                link.send(taking.taken)

    asyncio.run(serve())


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
