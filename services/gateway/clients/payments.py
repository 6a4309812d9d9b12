"""payment: what became of the money."""

from __future__ import annotations

from typing import Final, Literal

from protos.gen import payment_pb2 as pb
from services.gateway.clients.bookings import to_next_action
from services.gateway.clients.peers import Peers
from services.gateway.clients.wire import to_money, to_time
from services.gateway.models.common import Money
from services.gateway.models.payments import Payment

_STATUS: Final[
    dict[
        int,
        Literal["processing", "requires_action", "succeeded", "failed", "cancelled", "refunded", "partially_refunded"],
    ]
] = {
    pb.PROCESSING: "processing",
    pb.REQUIRES_ACTION: "requires_action",
    pb.SUCCEEDED: "succeeded",
    pb.FAILED: "failed",
    pb.CANCELLED: "cancelled",
    pb.REFUNDED: "refunded",
    pb.PARTIALLY_REFUNDED: "partially_refunded",
}


class PaymentClient:
    def __init__(self, peers: Peers) -> None:
        self._payment = peers.payment

    async def get(self, payment_id: str, *, user_id: str) -> Payment:
        request = pb.GetPaymentRequest(payment_id=payment_id, user_id=user_id)
        return to_payment((await self._payment.call(self._payment.stub.GetPayment, request)).payment)


def to_payment(payment: pb.Payment) -> Payment:
    amount = to_money(payment.amount)
    return Payment(
        id=payment.payment_id,
        booking_id=payment.booking_id,
        status=_STATUS[payment.status],
        amount=amount,
        refunded=to_money(payment.refunded) if payment.HasField("refunded") else Money(0, amount.currency),
        failure_reason=payment.failure_reason or None,
        next_action=to_next_action(payment.next_action) if payment.HasField("next_action") else None,
        provider=payment.provider,
        created_at=to_time(payment.created_at, present=payment.HasField("created_at")),
        updated_at=to_time(payment.updated_at, present=payment.HasField("updated_at")),
    )
