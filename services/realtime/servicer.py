"""realtime.RealtimeService: wire to our words and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import grpc

from protos.gen import booking_pb2, payment_pb2, realtime_pb2_grpc
from protos.gen import realtime_pb2 as pb
from services.kit.errors import Invalid
from services.realtime.domain import Line, UserMessage
from services.realtime.handlers import MAX_RESULTS, RealtimeHandlers
from services.realtime.news import booking_news, payment_news

type Context = grpc.aio.ServicerContext[Any, Any]


class RealtimeServicer(realtime_pb2_grpc.RealtimeServiceServicer):
    def __init__(self, handlers: RealtimeHandlers) -> None:
        self._handlers = handlers

    async def NotifyBookingResult(
        self, request: pb.NotifyBookingResultRequest, context: Context
    ) -> pb.NotifyBookingResultResponse:
        return pb.NotifyBookingResultResponse(sent=await self._handlers.tell(_result(request)))

    async def NotifyBookingResults(
        self, request: pb.NotifyBookingResultsRequest, context: Context
    ) -> pb.NotifyBookingResultsResponse:
        if len(request.results) > MAX_RESULTS:
            raise Invalid(f"results: at most {MAX_RESULTS}")
        sent = await self._handlers.tell_all([_result(result) for result in request.results])
        return pb.NotifyBookingResultsResponse(sent=sent)

    async def NotifyQueuePosition(
        self, request: pb.NotifyQueuePositionRequest, context: Context
    ) -> pb.NotifyQueuePositionResponse:
        await self._handlers.queue_moved(Line(request.event_id, request.now_serving, request.last_number))
        return pb.NotifyQueuePositionResponse()

    async def NotifyPaymentStatus(
        self, request: pb.NotifyPaymentStatusRequest, context: Context
    ) -> pb.NotifyPaymentStatusResponse:
        if not request.payment.payment_id:
            raise Invalid("payment.payment_id: must not be empty")
        if request.payment.status not in _PAYMENT_STATUSES:
            raise Invalid("payment.status: is not one that is known")
        message = payment_news(request.user_id, request.payment)
        return pb.NotifyPaymentStatusResponse(sent=await self._handlers.tell(message))

    async def BroadcastEvent(self, request: pb.BroadcastEventRequest, context: Context) -> pb.BroadcastEventResponse:
        await self._handlers.announce(request.room, request.type, request.data_json)
        return pb.BroadcastEventResponse()

    async def SendToUser(self, request: pb.SendToUserRequest, context: Context) -> pb.SendToUserResponse:
        sent = await self._handlers.send_to_user(
            request.user_id, request.type, request.data_json, dedupe_key=request.dedupe_key
        )
        return pb.SendToUserResponse(sent=sent)

    async def GetConnectionStats(
        self, request: pb.GetConnectionStatsRequest, context: Context
    ) -> pb.GetConnectionStatsResponse:
        stats = await self._handlers.stats()
        return pb.GetConnectionStatsResponse(
            instance_id=stats.instance_id,
            connections=stats.hub.sockets,
            users=stats.hub.users,
            rooms=stats.hub.rooms,
            sent_total=stats.sent,
            dropped_total=stats.dropped,
            cluster_connections=stats.cluster.connections,
            instances=stats.cluster.instances,
        )


def _result(request: pb.NotifyBookingResultRequest) -> UserMessage:
    booking = request.booking
    if not booking.booking_id:
        raise Invalid("booking.booking_id: must not be empty")
    if booking.status not in _STATUSES:
        raise Invalid("booking.status: is not one that is known")
    return replace(booking_news(request.user_id, booking), traceparent=request.traceparent)


_PAYMENT_STATUSES = frozenset(payment_pb2.PaymentStatus.values()) - {payment_pb2.PAYMENT_STATUS_UNSPECIFIED}
_STATUSES = frozenset(booking_pb2.BookingStatus.values()) - {booking_pb2.BOOKING_STATUS_UNSPECIFIED}
