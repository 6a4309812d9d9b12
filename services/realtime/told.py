"""The last hop of a trace: a message that carries its traceparent was written to a socket."""

import re
from typing import Final

from opentelemetry.trace import SpanKind

from services.kit import tracing

# As the repository writes it: the id, which begins with its milliseconds, then the trace.
_TRACED: Final = re.compile(rb'\{"id":"(\d+)-\d+","traceparent":"([^"]+)"')
_ABOUT: Final = {
    "messaging.system": "websocket",
    "messaging.destination.name": "socket",
    "messaging.operation.type": "send",
}


def trace_sent(text: bytes) -> None:
    """A span from the message's place in the inbox until now, when its trace is sampled."""
    found = _TRACED.match(text)
    if found is None:
        return
    place = tracing.parsed(found[2].decode())
    if place is not None:
        began_ns = int(found[1]) * 1_000_000
        about = place.get_span_context()
        tracing.record("send socket", about, began_ns=began_ns, kind=SpanKind.PRODUCER, attributes=_ABOUT)
