"""A platform of certificates, and pods of `ticket` that speak with whoever shows one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2_grpc

from protos.gen import ticket_pb2 as pb
from protos.gen import ticket_pb2_grpc
from services.kit import pki
from services.kit.clock import utc_now
from services.kit.rpc.channels import mesh_url
from services.kit.rpc.client import Peer
from services.kit.rpc.identity import Mode, Security, identity_in
from services.kit.rpc.policy import Policy
from services.kit.rpc.server import RpcServer
from services.kit.topology import topology
from tests.ports import free_port

DAY = timedelta(days=1)
SERVICE = "ticket.TicketService"


def authority(name: str = "platform") -> pki.Pair:
    return pki.new_authority(name, at=utc_now(), lasts=DAY)


@dataclass
class Platform:
    """One authority, and a folder of identities."""

    folder: Path
    root: pki.Pair = field(default_factory=authority)
    # What everybody trusts; several while one authority takes over from another.
    roots: bytes = b""

    def __post_init__(self) -> None:
        self.roots = self.roots or self.root.certificate

    def issue(self, service: str, *, lasts: timedelta = DAY) -> None:
        """A new certificate in the service's folder."""
        spiffe_id = Security().spiffe_id(service)
        leaf = pki.issue(self.root, spiffe_id, [service, "localhost"], at=utc_now(), lasts=lasts)
        pki.write_identity(self.folder / service, leaf, self.roots)

    def security(self, service: str, mode: Mode = "strict") -> Security:
        if not (self.folder / service).exists():
            self.issue(service)
        return Security(mode, self.folder / service, service=service)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Platform(tmp_path / "identities")


class Pod(ticket_pb2_grpc.TicketServiceServicer):
    """Answers with its name, an error, or never."""

    def __init__(self, name: str = "pod") -> None:
        self.name, self.calls = name, 0
        self.answer: Callable[[Any], Any] | None = None

    async def GetTicketKeys(self, request: pb.GetTicketKeysRequest, context: Any) -> pb.GetTicketKeysResponse:
        return await self._answered(context)

    async def ReserveSeatsBatch(self, request: Any, context: Any) -> Any:
        await self._answered(context)
        return pb.ReserveSeatsBatchResponse()

    async def _answered(self, context: Any) -> pb.GetTicketKeysResponse:
        self.calls += 1
        if self.answer is not None:
            await self.answer(context)
        return pb.GetTicketKeysResponse(jwks_json=self.name)


def new_pod(name: str = "pod") -> Pod:
    return Pod(name)  # type: ignore[abstract]  # the rest of the service is not asked for


async def unavailable(context: grpc.aio.ServicerContext[Any, Any]) -> None:
    await context.abort(grpc.StatusCode.UNAVAILABLE, "sick")


async def hang(context: object) -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def serving(
    pod: Pod,
    security: Security,
    *,
    port: int,
    host: str = "127.0.0.1",
    max_at_work: int = 1000,
    reflection: bool = True,
) -> AsyncIterator[RpcServer]:
    """The pod at `port`, and for peers with a certificate as far from it as the table says."""
    policy = Policy(security, topology().services["ticket"].granted, reflection=reflection)
    register = [(SERVICE, lambda server: ticket_pb2_grpc.add_TicketServiceServicer_to_server(pod, server))]
    server = RpcServer(f"{host}:{port}", register, policy=policy, max_at_work=max_at_work)
    if security.mode != "off":
        server.listen_securely(mesh_url("ticket", f"{host}:{port}"), identity_in(security.folder))
    await server.start()
    await server.set_ready(ready=True)
    try:
        yield server
    finally:
        await server.stop(0)


@pytest.fixture
def port() -> int:
    return free_port()


def peer(url: str, security: Security, **more: Any) -> Peer[Any]:
    return Peer("ticket", url, ticket_pb2_grpc.TicketServiceStub, service=SERVICE, security=security, **more)


async def ask(asked: Peer[Any], *, timeout_s: float = 3.0) -> str:
    reply = await asked.call(asked.stub.GetTicketKeys, pb.GetTicketKeysRequest(), timeout_s=timeout_s)
    return str(reply.jwks_json)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


def health_stub(channel: grpc.aio.Channel) -> Any:
    """Untyped: the packages' stubs know the synchronous API alone."""
    return health_pb2_grpc.HealthStub(channel)


def reflection_stub(channel: grpc.aio.Channel) -> Any:
    return reflection_pb2_grpc.ServerReflectionStub(channel)
