"""The debug commands of the system's first description, as tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiohttp
import grpc
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from redis.asyncio import Redis

from protos.gen import realtime_pb2, realtime_pb2_grpc, user_pb2, user_pb2_grpc
from services.kit.topology import topology
from services.local.platform import Platform
from services.local.samples import Sample
from tests.integration.platform.conftest import Buyer, port
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
WITH_GRPC = [row.name for row in topology().python_services if "grpc" in row.ports]
WITH_METRICS = [row.name for row in topology().python_services]


def channel(service: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(f"127.0.0.1:{port(service, 'grpc')}")


@pytest.mark.parametrize("service", WITH_GRPC)
async def test_reflection_lists_the_service(running: Platform, service: str) -> None:
    async with channel(service) as connection:
        call = reflection_pb2_grpc.ServerReflectionStub(connection).ServerReflectionInfo()  # type: ignore[operator]
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        listed = {one.name for one in (await call.read()).list_services_response.service}
        await call.done_writing()

    assert f"{service}.{service.capitalize()}Service" in listed
    assert "grpc.health.v1.Health" in listed


@pytest.mark.parametrize("service", WITH_GRPC)
async def test_the_health_service_says_serving(running: Platform, service: str) -> None:
    async with channel(service) as connection:
        stub: Any = health_pb2_grpc.HealthStub(connection)
        reply = await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)

    assert reply.status == health_pb2.HealthCheckResponse.SERVING


async def test_get_profile_of_test_is_not_found(running: Platform) -> None:
    async with channel("user") as connection:
        stub = user_pb2_grpc.UserServiceStub(connection)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetProfile(user_pb2.GetProfileRequest(user_id="test"), timeout=5)

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_get_connection_stats_answers(running: Platform) -> None:
    async with channel("realtime") as connection:
        stub = realtime_pb2_grpc.RealtimeServiceStub(connection)
        stats = await stub.GetConnectionStats(realtime_pb2.GetConnectionStatsRequest(), timeout=5)

    assert stats.instances == 1


@pytest.mark.parametrize("service", WITH_METRICS)
async def test_health_and_metrics_are_where_the_table_says(
    running: Platform, web: aiohttp.ClientSession, service: str
) -> None:
    row = topology().services[service]
    assert row.metrics is not None
    for page in (row.health, row.metrics):
        async with web.get(f"http://127.0.0.1:{port(service, page.port)}{page.path}") as response:
            assert response.status == 200, await response.text()


async def test_the_topics_are_listed(running: Platform) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=running.stores.kafka_brokers)
    await admin.start()
    try:
        topics = set(await admin.list_topics())
    finally:
        await admin.close()

    assert set(topology().topics) <= topics


async def test_an_order_appears_under_booking_queue(running: Platform, buyer: Buyer, samples: Sequence[Sample]) -> None:
    club = samples[-1].event_id
    await buyer.book(club, areas=[{"section_id": "FLOOR", "quantity": 1}])

    async with Redis(port=running.stores.redis_port, decode_responses=True) as redis:

        async def keys() -> set[str]:
            return set(await redis.keys("booking-queue:*"))

        await until(keys)
        assert f"booking-queue:{club}" in await keys()
