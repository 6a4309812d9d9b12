"""The user service as its callers meet it: real gRPC, PostgreSQL and broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import grpc
import pytest

from protos.gen import messages_pb2 as messages
from protos.gen import user_pb2 as pb
from protos.gen import user_pb2_grpc
from services.kit.bus.facts import Fact
from services.kit.bus.kafka import KafkaPublisher
from services.kit.ids import new_id
from services.user.app import compose
from services.user.settings import UserSettings
from tests.conftest import Stores
from tests.running import running
from tests.waiting import until


@pytest.fixture
async def settings(stores: Stores) -> AsyncIterator[UserSettings]:
    async with running(UserSettings, compose, stores) as settings:
        yield settings


@pytest.fixture
async def stub(settings: UserSettings) -> AsyncIterator[user_pb2_grpc.UserServiceAsyncStub]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{settings.grpc_port}") as channel:
        yield user_pb2_grpc.UserServiceStub(channel)


async def test_an_unknown_user_is_not_found_with_a_stable_reason(stub: user_pb2_grpc.UserServiceAsyncStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.GetProfile(pb.GetProfileRequest(user_id="test"))

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert dict(refused.value.trailing_metadata())["reason"] == "unknown-user"


async def test_whoever_registers_gets_a_profile(
    stub: user_pb2_grpc.UserServiceAsyncStub, settings: UserSettings
) -> None:
    user_id = new_id()
    body = messages.UserRegistered(user_id=user_id, email="ada@example.com", name="Ada")
    publisher = KafkaPublisher(settings, source="auth")

    await publisher.publish(
        [
            Fact(
                id=new_id(),
                topic="users",
                key=user_id,
                type="messages.UserRegistered",
                body=body.SerializeToString(),
                time=datetime.now(UTC),
            )
        ]
    )

    async def has_profile() -> bool:
        try:
            return (await stub.GetProfile(pb.GetProfileRequest(user_id=user_id))).profile.name == "Ada"
        except grpc.aio.AioRpcError:
            return False

    await until(has_profile)
    await publisher.close()


async def test_names_can_not_be_asked_for_without_bound(stub: user_pb2_grpc.UserServiceAsyncStub) -> None:
    await stub.CreateProfile(pb.CreateProfileRequest(user_id="known", email="ada@example.com", name="Ada"))

    found = await stub.GetNames(pb.GetNamesRequest(user_ids=["known", "unknown"]))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.GetNames(pb.GetNamesRequest(user_ids=[str(number) for number in range(101)]))

    assert dict(found.names) == {"known": "Ada"}
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
