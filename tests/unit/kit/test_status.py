"""Refusals over the wire: the same words on both sides."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from protos.gen import user_pb2 as pb
from protos.gen import user_pb2_grpc
from services.kit.errors import DependencyDown, Kind, NotNow, Overloaded, PeerRefused, Told, TooManyAttempts
from services.kit.rpc import deadline
from services.kit.rpc.client import Peer
from services.kit.rpc.server import RpcServer
from services.kit.rpc.status import STATUS, PeerFault
from services.user.domain import UnknownUser


class Raising(user_pb2_grpc.UserServiceServicer):
    def __init__(self) -> None:
        self.error: Exception | None = None
        self.remaining_s = 0.0

    async def GetProfile(self, request: pb.GetProfileRequest, context: Any) -> pb.GetProfileResponse:
        self.remaining_s = deadline.remaining_s(60)
        if self.error:
            raise self.error
        return pb.GetProfileResponse(profile=pb.Profile(user_id=request.user_id))


@pytest.fixture
async def servicer() -> Raising:
    return Raising()  # type: ignore[abstract]  # the rest of the service is not asked for


@pytest.fixture
async def peer(servicer: Raising) -> AsyncIterator[Peer[Any]]:
    def register(server: grpc.aio.Server) -> None:
        user_pb2_grpc.add_UserServiceServicer_to_server(servicer, server)

    server = RpcServer("127.0.0.1:0", [("user.UserService", register)])
    await server.start()
    await server.set_ready(ready=True)
    async with Peer(
        "user", f"127.0.0.1:{server.port}", user_pb2_grpc.UserServiceStub, service="user.UserService"
    ) as peer:
        yield peer
    await server.stop(0)


async def ask(peer: Peer[Any], timeout_s: float = 5.0) -> Any:
    return await peer.call(peer.stub.GetProfile, pb.GetProfileRequest(user_id="u1"), timeout_s=timeout_s)


def test_every_kind_has_a_status() -> None:
    assert STATUS.keys() == set(Kind)


async def test_a_refusal_arrives_with_its_kind_and_reason(peer: Peer[Any], servicer: Raising) -> None:
    servicer.error = UnknownUser()

    with pytest.raises(PeerRefused) as refused:
        await ask(peer)

    assert (refused.value.kind, refused.value.reason) == (Kind.MISSING, "unknown-user")


@pytest.mark.parametrize("error", [DependencyDown("postgres"), Overloaded("bookings")])
async def test_not_now_arrives_as_not_now(peer: Peer[Any], servicer: Raising, error: Told) -> None:
    servicer.error = error

    with pytest.raises(NotNow) as later:
        await ask(peer)

    assert later.value.reason == error.reason


async def test_the_wait_travels_with_the_refusal(peer: Peer[Any], servicer: Raising) -> None:
    servicer.error = TooManyAttempts("slow down", retry_after_s=12.5)

    with pytest.raises(PeerRefused) as refused:
        await ask(peer)

    assert refused.value.retry_after_s == 12.5


async def test_a_bug_tells_its_caller_nothing(peer: Peer[Any], servicer: Raising) -> None:
    servicer.error = RuntimeError("the password is hunter2")

    with pytest.raises(PeerFault) as fault:
        await ask(peer)

    assert "hunter2" not in str(fault.value)


async def test_a_peer_that_is_not_there_is_a_dependency_that_is_down() -> None:
    async with Peer("user", "127.0.0.1:1", user_pb2_grpc.UserServiceStub, service="user.UserService") as nobody:
        with pytest.raises(DependencyDown):
            await ask(nobody, timeout_s=0.5)


async def test_a_call_gets_what_is_left_of_its_callers_time(peer: Peer[Any], servicer: Raising) -> None:
    deadline.begin(1.0)

    await ask(peer, timeout_s=30)

    assert servicer.remaining_s <= 1.0
