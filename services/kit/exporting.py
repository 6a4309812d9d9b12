"""Where spans go: an OTLP collector, when there is one."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from services.kit.settings import ServiceSettings
from services.kit.tracing import TRACING


def configure_tracing(settings: ServiceSettings) -> None:
    """Call once. Without an endpoint there are no spans, and ids still travel so that logs can be joined."""
    endpoint = settings.otel_exporter_otlp_endpoint
    if not endpoint:
        return
    # Imported here: it costs memory that a process without an endpoint need not pay.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"), timeout=5)
    resource = _Known(
        {
            "service.name": settings.service,
            "service.namespace": "ticketing",
            "service.instance.id": settings.instance_id,
        }
    )
    # A span that is begun will be seen: `tracing.edge` decides which traces are, and everybody else has looked.
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=8192, schedule_delay_millis=2000))
    TRACING.tracer = provider.get_tracer("ticketing")
    TRACING.ratio, TRACING.slow_s = settings.trace_ratio, settings.trace_slow_s


class _Known(Resource):
    """What this process says of itself. Its hash, which the encoder asks for with every span, is reckoned once."""

    def __init__(self, about: Mapping[str, str]) -> None:
        whole = Resource.create(dict(about))
        super().__init__(whole.attributes, whole.schema_url)
        self._hash = super().__hash__()

    def __hash__(self) -> int:
        return self._hash
