"""Payments, looked up by whoever makes them."""

from collections.abc import Sequence
from typing import Final

from services.gateway.clients.payments import PaymentClient
from services.gateway.edge.operation import Answer, AnyOperation, Call, Nothing, Operation
from services.gateway.models.payments import Payment

TAG: Final = "payments"


class PaymentRoutes:
    def __init__(self, payments: PaymentClient) -> None:
        self._payments = payments

    def operations(self) -> Sequence[AnyOperation]:
        return (
            Operation(
                method="GET",
                path="/api/v1/payments/{id}",
                tag=TAG,
                summary="What became of a payment",
                run=self.get,
                body=Nothing,
                query=Nothing,
                answer=Payment,
                missing="unknown-payment",
            ),
        )

    async def get(self, call: Call[None, None]) -> Answer:
        return Answer(body=await self._payments.get(call.ids["id"], user_id=call.user_id))
