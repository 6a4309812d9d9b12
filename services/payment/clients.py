"""The buyer's socket, through realtime."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from protos.gen import realtime_pb2 as pb
from services.kit.errors import Told
from services.kit.rpc.client import Peer
from services.kit.rpc.status import PeerFault
from services.payment.domain import Payment
from services.payment.wire import payment_message

if TYPE_CHECKING:
    from protos.gen import realtime_pb2_grpc

TIMEOUT_S: Final = 2.0
# The fact on Kafka tells it as well; a socket that is not told in this time looks for itself.
PAUSES_S: Final = (0.1, 0.5, 0.0)
log = structlog.get_logger()


class RealtimeBuyers:
    def __init__(self, peer: Peer[realtime_pb2_grpc.RealtimeServiceAsyncStub]) -> None:
        self._peer = peer

    async def payment_changed(self, payment: Payment) -> None:
        request = pb.NotifyPaymentStatusRequest(user_id=payment.user_id, payment=payment_message(payment))
        for pause_s in PAUSES_S:
            try:
                await self._peer.call(self._peer.stub.NotifyPaymentStatus, request, timeout_s=TIMEOUT_S)
            except (Told, PeerFault) as error:
                log.warning("buyer_not_told", payment_id=payment.payment_id, error=str(error))
                await asyncio.sleep(pause_s)
            else:
                return
