"""Calls of somebody who has no identity in the mesh."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from protos.gen import booking_pb2, booking_pb2_grpc
from services.kit.topology import topology
from tests.cluster.cluster import Cluster

BOOKING = topology().services["booking"]
CALL_S = 10


def told_in_the_clear(cluster: Cluster, namespace: str) -> tuple[int, grpc.StatusCode]:
    """How healthy booking says it is, and why it says nothing else."""
    with (
        cluster.forwarded(namespace, "service/booking", BOOKING.ports["grpc"]) as door,
        grpc.insecure_channel(door) as channel,
    ):
        health, asked = healthy(channel), booking_pb2_grpc.BookingServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            asked.GetBooking(booking_pb2.GetBookingRequest(), timeout=CALL_S)
    return health, refused.value.code()


def healthy(channel: grpc.Channel) -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return int(stub.Check(health_pb2.HealthCheckRequest(), timeout=CALL_S).status)
