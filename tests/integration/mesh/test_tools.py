"""The command line's tools in a strict mesh: with the certificate of who looks after it, and not without."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from protos.gen import booking_pb2 as pb
from protos.gen import booking_pb2_grpc
from services.kit.rpc.channels import mesh_url
from services.kit.rpc.identity import identity_in
from services.kit.rpc.policy import Policy
from services.kit.rpc.server import RpcServer
from services.kit.topology import SUPPORT, topology
from tests.integration.mesh.conftest import Platform, health_stub, reflection_stub

SERVICE = "booking.BookingService"


class Desk(booking_pb2_grpc.BookingServiceServicer):
    async def ListParked(self, request: pb.ListParkedRequest, context: Any) -> pb.ListParkedResponse:
        return pb.ListParkedResponse(total=7)


@asynccontextmanager
async def strict_desk(platform: Platform, port: int) -> AsyncIterator[None]:
    security = platform.security("booking")
    desk: Any = Desk()  # type: ignore[abstract]  # the rest of the service is not asked for
    server = RpcServer(
        f"127.0.0.1:{port}",
        [(SERVICE, lambda to: booking_pb2_grpc.add_BookingServiceServicer_to_server(desk, to))],
        policy=Policy(security, topology().services["booking"].granted, reflection=True),
    )
    server.listen_securely(mesh_url("booking", f"127.0.0.1:{port}"), identity_in(security.folder))
    await server.start()
    await server.set_ready(ready=True)
    try:
        yield
    finally:
        await server.stop(0)


async def parked(port: int, **environment: str) -> tuple[int, str]:
    command = (sys.executable, "-m", "services", "sagas", "--booking", f"127.0.0.1:{port}", "parked")
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_a_tool_is_answered_with_a_certificate_for_support_and_not_without(platform: Platform, port: int) -> None:
    folder = platform.security(SUPPORT).folder
    async with strict_desk(platform, port):
        told = await parked(port, MESH_MTLS="strict", MESH_IDENTITY=str(folder))
        refused, _ = await parked(port)

    assert told == (0, "7 parked\n")
    assert refused == 1


async def test_support_may_ask_which_methods_there_are_and_nobody_else_learns_more_than_health(
    platform: Platform, port: int, stack: AsyncExitStack
) -> None:
    await stack.enter_async_context(strict_desk(platform, port))
    shown = identity_in(platform.security(SUPPORT).folder).current()
    credentials = grpc.ssl_channel_credentials(shown.roots, shown.key, shown.chain)
    # As grpcurl does it with -cacert, -cert, -key and -servername.
    named = (("grpc.ssl_target_name_override", "booking"),)
    address = mesh_url("booking", f"127.0.0.1:{port}")
    support = await stack.enter_async_context(grpc.aio.secure_channel(address, credentials, named))
    nobody = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))

    assert SERVICE in await listed(support)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await listed(nobody)
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert (await health_stub(nobody).Check(health_pb2.HealthCheckRequest(service="liveness"))).status == 1
    with pytest.raises(grpc.aio.AioRpcError) as not_support:
        await booking_pb2_grpc.BookingServiceStub(support).CancelBooking(pb.CancelBookingRequest(), timeout=3)
    assert not_support.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def listed(channel: grpc.aio.Channel) -> set[str]:
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    return {
        one.name
        async for reply in reflection_stub(channel).ServerReflectionInfo(asked)
        for one in reply.list_services_response.service
    }
