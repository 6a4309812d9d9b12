"""A realtime service over real gRPC that remembers what it was asked to tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from protos.gen import realtime_pb2 as pb
from protos.gen import realtime_pb2_grpc
from services.kit.rpc.server import RpcServer


class TwinRealtime(realtime_pb2_grpc.RealtimeServiceServicer):
    def __init__(self) -> None:
        self.results: list[pb.NotifyBookingResultRequest] = []
        self.positions: list[pb.NotifyQueuePositionRequest] = []

    async def NotifyBookingResults(
        self, request: pb.NotifyBookingResultsRequest, context: Any
    ) -> pb.NotifyBookingResultsResponse:
        self.results += request.results
        return pb.NotifyBookingResultsResponse(sent=len(request.results))

    async def NotifyQueuePosition(
        self, request: pb.NotifyQueuePositionRequest, context: Any
    ) -> pb.NotifyQueuePositionResponse:
        self.positions.append(request)
        return pb.NotifyQueuePositionResponse()

    def told(self, booking_id: str) -> list[pb.NotifyBookingResultRequest]:
        return [result for result in self.results if result.booking.booking_id == booking_id]


@asynccontextmanager
async def serving_realtime(twin: TwinRealtime, port: int) -> AsyncIterator[None]:
    server = RpcServer(
        f"127.0.0.1:{port}",
        [("realtime.RealtimeService", lambda s: realtime_pb2_grpc.add_RealtimeServiceServicer_to_server(twin, s))],
    )
    await server.start()
    await server.set_ready(ready=True)
    try:
        yield
    finally:
        await server.stop(0)
