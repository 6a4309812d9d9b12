"""Who shows which certificate gets which answer."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from prometheus_client import REGISTRY

from protos.gen import ticket_pb2 as pb
from protos.gen import ticket_pb2_grpc
from services.kit.errors import NotNow
from services.kit.rpc.channels import mesh_url
from services.kit.rpc.identity import NoIdentity, Security, identity_in
from tests.integration.mesh.conftest import Platform, ask, health_stub, new_pod, peer, reflection_stub, serving


async def test_a_peer_of_the_matrix_is_answered(platform: Platform, port: int, stack: AsyncExitStack) -> None:
    await stack.enter_async_context(serving(new_pod("one"), platform.security("ticket"), port=port))
    gateway = await stack.enter_async_context(peer(f"localhost:{port}", platform.security("gateway")))

    assert await ask(gateway) == "one"


async def test_a_method_that_is_not_granted_is_refused(platform: Platform, port: int, stack: AsyncExitStack) -> None:
    pod = new_pod()
    await stack.enter_async_context(serving(pod, platform.security("ticket"), port=port))
    gateway = await stack.enter_async_context(peer(f"localhost:{port}", platform.security("gateway")))
    realtime = await stack.enter_async_context(peer(f"localhost:{port}", platform.security("realtime")))

    for call in (
        gateway.stub.ReserveSeatsBatch(pb.ReserveSeatsBatchRequest(), timeout=3),
        realtime.stub.GetTicketKeys(pb.GetTicketKeysRequest(), timeout=3),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert refused.value.trailing_metadata()["reason"] == "call-not-allowed"

    # For a caller of ours it is as if nobody answered: no booking is refused for it.
    with pytest.raises(NotNow):
        await ask(realtime)

    assert pod.calls == 0


async def test_without_identity_there_is_health_and_nothing_else(
    platform: Platform, port: int, stack: AsyncExitStack
) -> None:
    await stack.enter_async_context(serving(new_pod(), platform.security("ticket"), port=port, reflection=False))
    channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))

    health = await health_stub(channel).Check(health_pb2.HealthCheckRequest(service="liveness"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ticket_pb2_grpc.TicketServiceStub(channel).GetTicketKeys(pb.GetTicketKeysRequest())
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    with pytest.raises(grpc.aio.AioRpcError) as not_told:
        async for _ in reflection_stub(channel).ServerReflectionInfo(asked):
            pass

    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert refused.value.code() is not_told.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_the_first_denial_is_an_increase(platform: Platform, port: int, stack: AsyncExitStack) -> None:
    """For Prometheus, which sees none in a series that begins with 1."""
    await stack.enter_async_context(serving(new_pod(), platform.security("ticket"), port=port))

    count = REGISTRY.get_sample_value(
        "rpc_server_denied_total", {"method": "ticket.TicketService/ReleaseSeatsBatch", "source": "unknown"}
    )

    assert count == 0


async def test_an_encrypted_call_without_certificate_is_not_answered(
    platform: Platform, port: int, stack: AsyncExitStack
) -> None:
    await stack.enter_async_context(serving(new_pod(), platform.security("ticket"), port=port))
    trusting = grpc.ssl_channel_credentials(platform.roots)
    channel = await stack.enter_async_context(
        grpc.aio.secure_channel(mesh_url("ticket", f"localhost:{port}"), trusting)
    )

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ticket_pb2_grpc.TicketServiceStub(channel).GetTicketKeys(pb.GetTicketKeysRequest(), timeout=3)

    assert refused.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_the_certificate_of_another_platform_is_refused(
    platform: Platform, port: int, stack: AsyncExitStack, tmp_path: Path
) -> None:
    other = Platform(tmp_path / "other")
    pod = new_pod()
    await stack.enter_async_context(serving(pod, platform.security("ticket"), port=port))
    stranger = await stack.enter_async_context(peer(f"localhost:{port}", other.security("gateway")))

    with pytest.raises(NotNow):
        await ask(stranger, timeout_s=1.0)

    assert pod.calls == 0


async def test_an_expired_certificate_is_refused(platform: Platform, port: int, stack: AsyncExitStack) -> None:
    platform.issue("gateway", lasts=timedelta(seconds=-1))
    pod = new_pod()
    await stack.enter_async_context(serving(pod, platform.security("ticket"), port=port))
    late = await stack.enter_async_context(peer(f"localhost:{port}", platform.security("gateway")))

    with pytest.raises(NotNow):
        await ask(late, timeout_s=1.0)

    assert pod.calls == 0


async def test_one_service_can_not_pose_as_another(platform: Platform, port: int, stack: AsyncExitStack) -> None:
    await stack.enter_async_context(serving(new_pod(), platform.security("payment"), port=port))
    gateway = await stack.enter_async_context(peer(f"localhost:{port}", platform.security("gateway")))

    with pytest.raises(NotNow):
        await ask(gateway, timeout_s=1.0)


def test_a_process_without_certificate_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(NoIdentity):
        identity_in(tmp_path / "nothing here")


def test_identities_of_another_domain_or_namespace_are_nobodys() -> None:
    ours = Security(trust_domain="a.example", namespace="sale")

    assert ours.service_of(ours.spiffe_id("booking")) == "booking"
    assert ours.service_of("spiffe://b.example/ns/sale/sa/booking") == ""
    assert ours.service_of("spiffe://a.example/ns/other/sa/booking") == ""
