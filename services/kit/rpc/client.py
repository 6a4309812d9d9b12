"""A peer: a channel that balances and checks health, and what a failed call means."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

import grpc
from opentelemetry.trace import SpanKind

from services.kit import metrics, tracing
from services.kit.errors import DependencyDown
from services.kit.rpc import deadline, persons
from services.kit.rpc.breaker import Breaker
from services.kit.rpc.channels import Channels
from services.kit.rpc.identity import Security
from services.kit.rpc.status import told_by

# grpcio's `timeout` in a service config is broken and hedging is ignored: deadlines come from `call` alone.
_RETRY: Final = {
    "maxAttempts": 3,
    "initialBackoff": "0.05s",
    "maxBackoff": "0.5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_UNDECIDED: Final = (grpc.ChannelConnectivity.IDLE, grpc.ChannelConnectivity.CONNECTING)
# Codes of calls that the peer did not answer; and how long it must have had to be blamed for being late.
NOTHING_CAME: Final = frozenset(("UNAVAILABLE", "DEADLINE_EXCEEDED"))
FAIR_S: Final = 0.5
# What metrics call a caller that is no service.
TOOL: Final = "tool"
_IN_THE_CLEAR: Final = Security()


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
        security: Security = _IN_THE_CLEAR,
    ) -> None:
        self.name, self._caller, self._make_stub = name, security.service, stub
        self._source = security.service or TOOL
        self._breaker = Breaker(self._source, name)
        methods = [{"service": service, "method": method} for method in idempotent]
        self._channels = Channels(name, url, security, [{"name": methods, "retryPolicy": _RETRY}] if methods else [])
        self._stub: tuple[grpc.aio.Channel, Stub] | None = None

    @property
    def stub(self) -> Stub:
        """For the next call; not to be kept, for the channel under it is replaced with our certificate."""
        channel = self._channels.current()
        if self._stub is None or self._stub[0] is not channel:
            self._stub = (channel, self._make_stub(channel))
        return self._stub[1]

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
        person = await persons.person_metadata(self._caller, self.name, name.rpartition("/")[2])
        trial, wait_s = self._breaker.admit(), deadline.remaining_s(timeout_s)
        began, code, came = time.perf_counter(), "", True
        with tracing.span(name, kind=SpanKind.CLIENT, attributes=attributes):
            try:
                metadata = trace_metadata() + person
                reply = await method(request, timeout=wait_s, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                code, told = error.code().name, told_by(self.name, error)
                came = code not in NOTHING_CAME or not isinstance(told, DependencyDown)
                raise told from error
            else:
                code = "OK"
                return reply
            finally:
                # Without a code, our own caller has left.
                metrics.rpc_asked(self._source, self.name, name, code or "CANCELLED", time.perf_counter() - began)
                self._judge(code, wait_s, came=came, trial=trial)

    def _judge(self, code: str, wait_s: float, *, came: bool, trial: bool) -> None:
        if not code or (code == "DEADLINE_EXCEEDED" and wait_s < FAIR_S):
            self._breaker.left(trial=trial)
        elif came:
            self._breaker.answered(trial=trial)
        else:
            self._breaker.failed(trial=trial)

    def streamed(self, method: object) -> None:
        """Count a message that was sent on a long stream of that method."""
        metrics.RPC_STREAMED.labels(self._source, self.name, _name_of(method)).inc()

    async def check(self) -> None:
        """Raises DependencyDown while the peer does not answer. Cheap: the channel watches its health by itself."""
        channel = self._channels.current()
        state = channel.get_state(try_to_connect=True)
        while state in _UNDECIDED:
            await channel.wait_for_state_change(state)
            state = channel.get_state(try_to_connect=True)
        if state is not grpc.ChannelConnectivity.READY:
            raise DependencyDown(self.name)

    async def close(self) -> None:
        await self._channels.close()

    async def __aenter__(self) -> Self:
        await self._channels.decided()
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
