"""A gRPC server that every service shares: health, reflection, refusals, metrics, traces, drain."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any, Final

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from opentelemetry.trace import SpanKind

from services.kit import metrics, tracing
from services.kit.errors import Overloaded, Told
from services.kit.rpc import deadline
from services.kit.rpc.identity import Certificate, Identity, Security
from services.kit.rpc.persons import METADATA, Persons
from services.kit.rpc.policy import HEALTH, NOBODY, Policy
from services.kit.rpc.status import status_of, trailers

SERVING: Final = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
# Answers as long as the process lives, whatever its dependencies do; every other name tells of readiness.
LIVENESS: Final = "liveness"
# Tells of readiness where calls in the clear are answered; where they are not, nobody of that name is healthy, so that
# a peer which could speak either way does not try.
CLEAR: Final = "in-the-clear"
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # Connections are renewed, and names looked up again, so that a new replica gets its share within seconds. A call or
    # a stream under way stays on the old one.
    ("grpc.max_connection_age_ms", 4_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)
# Everybody may call everything: a laptop.
OPEN: Final = Policy(Security(), granted={}, reflection=True)
# Calls at work at once. A call that waits behind so many would not be answered before its deadline.
MAX_AT_WORK: Final = 1_000
log = structlog.get_logger()

type Register = Callable[[grpc.aio.Server], None]


class Calls(grpc.aio.ServerInterceptor):
    """Around every call: its caller allowed, its deadline and trace adopted, a Told answered by its status, the rest a
    logged fault. Calls that are too many are turned away before any work is done for them; streams are not counted,
    for each bounds its own items."""

    def __init__(self, policy: Policy, persons: Persons | None, *, max_at_work: int) -> None:
        self._policy, self._persons, self._max_at_work = policy, persons, max_at_work
        self._at_work = 0
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
            self._wrapped[name] = self._wrap(name, method)
        return self._wrapped[name]

    def _wrap(self, name: str, method: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        codec = (method.request_deserializer, method.response_serializer)
        if method.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(self._unary(name, method.unary_unary), *codec)
        if method.stream_stream is not None:
            return grpc.stream_stream_rpc_method_handler(self._stream(name, method.stream_stream), *codec)
        if name.startswith(HEALTH):
            return method  # Watch: the library's own, open to all
        raise NotImplementedError(f"{name}: of streams, only those of both sides are checked")

    def _unary(self, path: str, call: Any) -> Any:
        name = path.lstrip("/")
        attributes = {"rpc.system.name": "grpc", "rpc.method": name}

        async def unary(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            told = _told(context)
            parent = told.get("traceparent", "")
            with tracing.span(name, parent=parent, kind=SpanKind.SERVER, attributes=attributes) as around:
                deadline.begin(context.time_remaining())
                began = time.perf_counter()
                try:
                    caller = self._policy.check(path, context)
                    with self._place(path):
                        if caller and self._persons:
                            await self._persons.check(caller, path, request, told.get(METADATA, ""))
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

    def _stream(self, path: str, call: Any) -> Any:
        name = path.lstrip("/")

        async def stream(requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            # A long-lived stream has no deadline of its own and joins many traces: its items bring theirs.
            began = time.perf_counter()
            try:
                self._policy.check(path, context)
                async for reply in call(requests, context):
                    yield reply
            except Exception as error:  # noqa: BLE001 - as above
                metrics.rpc_handled(name, _code(error), time.perf_counter() - began)
                await _refuse(name, context, error)
            else:
                metrics.rpc_handled(name, "OK", time.perf_counter() - began)

        return stream

    @contextmanager
    def _place(self, path: str) -> Iterator[None]:
        """One of the places at work. Health never waits for one: a busy server is not a dead one."""
        if self._at_work >= self._max_at_work and not path.startswith(HEALTH):
            metrics.RPC_SHED.labels(path.lstrip("/")).inc()
            raise Overloaded(path)
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1


def _told(context: grpc.aio.ServicerContext[Any, Any]) -> dict[str, str]:
    """What came beside the request."""
    return dict(context.invocation_metadata() or ())  # type: ignore[arg-type] # binary values have names of their own


def _code(error: Exception) -> str:
    return status_of(error).name if isinstance(error, Told) else "INTERNAL"


async def _refuse(name: str, context: grpc.aio.ServicerContext[Any, Any], error: Exception) -> None:
    if isinstance(error, Told):
        await context.abort(status_of(error), str(error), trailing_metadata=trailers(error))
    if isinstance(error, grpc.aio.AbortError):
        raise error
    log.error("rpc_failed", method=name, exc_info=error)
    await context.abort(grpc.StatusCode.INTERNAL, "internal error")


def _credentials(identity: Identity) -> grpc.ServerCredentials:
    shown = identity.current()

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal shown
        if (current := identity.current()) is shown:
            return None
        shown = current
        return _configuration(current)

    # None is the library's own word for "as before"; its types do not know it.
    return grpc.dynamic_ssl_server_credentials(
        _configuration(shown),
        renewed,  # type: ignore[arg-type]
        require_client_authentication=True,
    )


def _configuration(certificate: Certificate) -> grpc.ServerCertificateConfiguration:
    pairs = [(certificate.key, certificate.chain)]
    return grpc.ssl_server_certificate_configuration(pairs, root_certificates=certificate.roots)


class RpcServer:
    """A server with health and reflection for the services it was given."""

    def __init__(
        self,
        address: str,
        services: Sequence[tuple[str, Register]],
        *,
        policy: Policy = OPEN,
        persons: Persons | None = None,
        max_at_work: int = MAX_AT_WORK,
    ) -> None:
        """`services` are full names (`user.UserService`) with what registers them. Raises when the address is taken."""
        self._server = grpc.aio.server(interceptors=[Calls(policy, persons, max_at_work=max_at_work)], options=OPTIONS)
        self._names = ("", *(name for name, _ in services))
        self._answers_in_the_clear = policy.security.mode != "strict"
        if policy.security.mode != "off":
            # A series whose first sample is a denial tells Prometheus of no increase: it has to be there before.
            for name, method in product(self._names[1:], policy.granted):
                metrics.RPC_DENIED.labels(f"{name}/{method}", NOBODY)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        for _, register in services:
            register(self._server)
        reflection.enable_server_reflection(
            (*self._names[1:], health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )
        self.port = self._server.add_insecure_port(address)

    def listen_securely(self, address: str, identity: Identity) -> int:
        """Before `start`: also to peers that show a certificate. The port; raises when the address is taken.

        Certificate and authorities are looked at for every handshake, so a renewed one is shown without a restart.
        """
        return self._server.add_secure_port(address, _credentials(identity))

    async def start(self) -> None:
        await self._health.set(LIVENESS, SERVING)
        await self.set_ready(ready=False)
        await self._server.start()

    async def set_ready(self, *, ready: bool) -> None:
        for name in self._names:
            await self._health.set(name, SERVING if ready else NOT_SERVING)
        await self._health.set(CLEAR, SERVING if ready and self._answers_in_the_clear else NOT_SERVING)

    async def stop(self, grace_s: float) -> None:
        """Take no new calls; give those under way that long."""
        await self._server.stop(grace_s)
