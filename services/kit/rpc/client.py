"""A peer: one channel that balances, checks health and knows what a failed call means."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import grpc
import msgspec
from opentelemetry.trace import SpanKind

from services.kit import metrics, tracing
from services.kit.rpc import deadline
from services.kit.rpc.server import MAX_MESSAGE_BYTES
from services.kit.rpc.status import told_by

# grpcio's `timeout` in a service config is broken and hedging is ignored: deadlines come from `call` alone.
_RETRY: Final = {
    "maxAttempts": 3,
    "initialBackoff": "0.05s",
    "maxBackoff": "0.5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


class Peer[Stub]:
    """A service we call. Opens no connection before the first call, and finds a peer that comes back by itself.

    `idempotent` names the methods that may be sent again when the connection broke under them.
    """

    def __init__(
        self,
        name: str,
        url: str,
        stub: Callable[[grpc.aio.Channel], Stub],
        *,
        service: str,
        idempotent: Sequence[str] = (),
    ) -> None:
        self.name = name
        methods = [{"service": service, "method": method} for method in idempotent]
        config = {
            "loadBalancingConfig": [{"round_robin": {}}],
            "healthCheckConfig": {"serviceName": ""},
            "methodConfig": [{"name": methods, "retryPolicy": _RETRY}] if methods else [],
        }
        self._channel = grpc.aio.insecure_channel(f"dns:///{url}", options=_options(config))
        self.stub = stub(self._channel)

    async def call[Request, Reply](
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Reply],
        request: Request,
        *,
        timeout_s: float = deadline.DEFAULT_TIMEOUT_S,
    ) -> Reply:
        """One call, in at most `timeout_s` or what our own caller has left.

        Raises Told with the peer's reason; NotNow when no answer came; PeerFault when the peer has a bug.
        """
        name = _name_of(method)
        attributes = {"rpc.system.name": "grpc", "rpc.method": name, "server.address": self.name}
        began, code = time.perf_counter(), "OK"
        with tracing.span(name, kind=SpanKind.CLIENT, attributes=attributes):
            try:
                return await method(request, timeout=deadline.remaining_s(timeout_s), metadata=trace_metadata())
            except grpc.aio.AioRpcError as error:
                code = error.code().name
                raise told_by(self.name, error) from error
            finally:
                metrics.rpc_asked(self.name, name, code, time.perf_counter() - began)

    async def close(self) -> None:
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _name_of(method: object) -> str:
    """`ticket.TicketService/ReserveSeats`: the library keeps it, but has no name of its own for it."""
    path: bytes = getattr(method, "_method", b"unknown")
    return path.decode().lstrip("/")


def trace_metadata() -> tuple[tuple[str, str], ...]:
    """The current trace as request metadata."""
    parent = tracing.traceparent()
    return (("traceparent", parent),) if parent else ()


def _options(config: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return (
        ("grpc.service_config", msgspec.json.encode(config).decode()),
        ("grpc.dns_min_time_between_resolutions_ms", 2_000),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    )
