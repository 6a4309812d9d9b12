"""A gRPC server that every service shares: health, reflection, refusals, metrics, traces, drain."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from opentelemetry.trace import SpanKind

from services.kit import metrics, tracing
from services.kit.errors import Told
from services.kit.rpc import deadline
from services.kit.rpc.status import STATUS, trailers

SERVING: Final = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
# Answers as long as the process lives, whatever its dependencies do; every other name tells of readiness.
LIVENESS: Final = "liveness"
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # Connections are renewed, so that new replicas get their share and old ones can leave.
    ("grpc.max_connection_age_ms", 60_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)
log = structlog.get_logger()

type Register = Callable[[grpc.aio.Server], None]


class Calls(grpc.aio.ServerInterceptor):
    """Around every call: its deadline and trace adopted, a Told answered by its status, the rest a logged fault."""

    def __init__(self) -> None:
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        name = handler_call_details.method
        if name not in self._wrapped:
            method = await continuation(handler_call_details)
            if method is None:
                return None
            self._wrapped[name] = _wrap(name, method)
        return self._wrapped[name]


def _wrap(name: str, method: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
    codec = (method.request_deserializer, method.response_serializer)
    if method.unary_unary is not None:
        return grpc.unary_unary_rpc_method_handler(_unary(name, method.unary_unary), *codec)
    if method.stream_stream is not None:
        return grpc.stream_stream_rpc_method_handler(_stream(name, method.stream_stream), *codec)
    return method  # health's Watch: the library's own


def _unary(name: str, call: Any) -> Any:
    name = name.lstrip("/")
    attributes = {"rpc.system.name": "grpc", "rpc.method": name}

    async def unary(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        with tracing.span(name, parent=_parent(context), kind=SpanKind.SERVER, attributes=attributes) as around:
            deadline.begin(context.time_remaining())
            began = time.perf_counter()
            try:
                reply = await call(request, context)
            except Exception as error:  # noqa: BLE001 - the top of the call: told or logged, once
                code = _code(error)
                metrics.rpc_handled(name, code, time.perf_counter() - began)
                around.set("rpc.response.status_code", code)
                if tracing.failure_of(error):
                    around.failed(code)
                await _refuse(name, context, error)
            else:
                metrics.rpc_handled(name, "OK", time.perf_counter() - began)
                log.debug("rpc_answered", method=name, took_s=time.perf_counter() - began)
                around.set("rpc.response.status_code", "OK")
                return reply

    return unary


def _stream(name: str, call: Any) -> Any:
    name = name.lstrip("/")

    async def stream(requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        # A long-lived stream has no deadline of its own and joins many traces: its items bring theirs.
        began = time.perf_counter()
        try:
            async for reply in call(requests, context):
                yield reply
        except Exception as error:  # noqa: BLE001 - as above
            metrics.rpc_handled(name, _code(error), time.perf_counter() - began)
            await _refuse(name, context, error)
        else:
            metrics.rpc_handled(name, "OK", time.perf_counter() - began)

    return stream


def _parent(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == "traceparent":
            return str(value)
    return ""


def _code(error: Exception) -> str:
    return STATUS[error.kind].name if isinstance(error, Told) else "INTERNAL"


async def _refuse(name: str, context: grpc.aio.ServicerContext[Any, Any], error: Exception) -> None:
    if isinstance(error, Told):
        await context.abort(STATUS[error.kind], str(error), trailing_metadata=trailers(error))
    if isinstance(error, grpc.aio.AbortError):
        raise error
    log.error("rpc_failed", method=name, exc_info=error)
    await context.abort(grpc.StatusCode.INTERNAL, "internal error")


class RpcServer:
    """A server with health and reflection for the services it was given."""

    def __init__(self, address: str, services: Sequence[tuple[str, Register]]) -> None:
        """`services` are full names (`user.UserService`) with what registers them. Raises when the address is taken."""
        self._server = grpc.aio.server(interceptors=[Calls()], options=OPTIONS)
        self._names = ("", *(name for name, _ in services))
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        for _, register in services:
            register(self._server)
        reflection.enable_server_reflection(
            (*self._names[1:], health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )
        self.port = self._server.add_insecure_port(address)

    async def start(self) -> None:
        await self._health.set(LIVENESS, SERVING)
        await self.set_ready(ready=False)
        await self._server.start()

    async def set_ready(self, *, ready: bool) -> None:
        for name in self._names:
            await self._health.set(name, SERVING if ready else NOT_SERVING)

    async def stop(self, grace_s: float) -> None:
        """Take no new calls; give those under way that long."""
        await self._server.stop(grace_s)
