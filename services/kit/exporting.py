"""Where spans go: an OTLP collector, when there is one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import grpc
import structlog
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from services.kit import metrics
from services.kit.otlp import encoded, request_of
from services.kit.settings import ServiceSettings
from services.kit.tracing import TRACING

EXPORT: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SCOPE: Final = "ticketing"
EVERY_S: Final = 2.0
# Spans of one request, and those that may wait; what ends while so many do is dropped.
MOST_SENT: Final = 512
MOST_WAITING: Final = 8192
TIMEOUT_S: Final = 5.0
# A process that stops has no more time than that for its last spans.
LAST_S: Final = 1.0
log = structlog.get_logger()


@asynccontextmanager
async def exporting(settings: ServiceSettings) -> AsyncIterator[None]:
    """Around all that a process does. Without an endpoint there are no spans, and ids still travel so that logs can be
    joined."""
    endpoint = settings.otel_exporter_otlp_endpoint
    if not endpoint:
        yield
        return
    resource = Resource.create(
        {
            "service.name": settings.service,
            "service.namespace": "ticketing",
            "service.instance.id": settings.instance_id,
        }
    )
    async with _channel(endpoint) as channel:
        spans = Outgoing(channel, resource)
        # A span that is begun will be seen: `tracing.edge` decides which traces are, and everybody else has looked.
        provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(spans)
        TRACING.ratio, TRACING.slow_s = settings.trace_ratio, settings.trace_slow_s
        TRACING.tracer = provider.get_tracer(SCOPE)
        sending = asyncio.create_task(spans.run(), name="traces")
        try:
            yield
        finally:
            TRACING.tracer = None
            sending.cancel()
            await spans.send(within_s=LAST_S)


def _channel(endpoint: str) -> grpc.aio.Channel:
    scheme, _, address = endpoint.rstrip("/").rpartition("://")
    if scheme == "https":
        return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials())
    return grpc.aio.insecure_channel(address)


class Outgoing(SpanProcessor):
    """Spans on their way to a collector. One that has ended is nothing but its bytes, sent by the event loop: the SDK's
    batch processor keeps the objects, and takes them apart in a thread for which the loop waits (decision 111)."""

    def __init__(self, channel: grpc.aio.Channel, resource: Resource) -> None:
        self._resource = resource
        self._export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
        self._waiting: list[bytes] = []
        self._taken = True

    def on_end(self, span: ReadableSpan) -> None:
        if len(self._waiting) >= MOST_WAITING:
            metrics.SPANS.labels("dropped").inc()
            return
        try:
            self._waiting.append(encoded(span))
        except ValueError:
            # Half a character, a number of more than 64 bits: whoever did the work must not fail for how it is told.
            metrics.SPANS.labels("dropped").inc()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await self.send(within_s=TIMEOUT_S)

    async def send(self, *, within_s: float) -> None:
        """All that have ended by now. What no collector takes in that time is dropped, and logged when it is the first;
        what is under way when this is cancelled stays, and may be sent twice."""
        clock = asyncio.get_running_loop().time
        ends, left = clock() + within_s, len(self._waiting)
        while left > 0:
            some = self._waiting[: min(left, MOST_SENT)]
            request = request_of(some, self._resource, SCOPE)
            try:
                await self._export(request, timeout=max(0.0, ends - clock()), wait_for_ready=True)
                taken = True
            except grpc.aio.AioRpcError as error:
                taken = False
                if self._taken:
                    log.warning("spans_not_taken", code=error.code().name, why=error.details(), count=len(some))
            self._taken, result = taken, "sent" if taken else "dropped"
            metrics.SPANS.labels(result).inc(len(some))
            del self._waiting[: len(some)]
            left -= len(some)
