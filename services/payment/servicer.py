"""payment.PaymentService: wire to our words and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import grpc

from protos.gen import invariants_pb2, payment_pb2_grpc, refusal_pb2
from protos.gen import payment_pb2 as pb
from services.kit.clock import utc_now
from services.kit.errors import Told
from services.kit.money import Money
from services.payment.domain import Payment
from services.payment.handlers import PaymentHandlers
from services.payment.orders import Order
from services.payment.reading import PaymentReads
from services.payment.watch import PspWatch
from services.payment.wire import payment_message

type Context = grpc.aio.ServicerContext[Any, Any]


class PaymentServicer(payment_pb2_grpc.PaymentServiceServicer):
    def __init__(self, handlers: PaymentHandlers, reads: PaymentReads, watch: PspWatch) -> None:
        self._handlers, self._reads, self._watch = handlers, reads, watch

    async def CreatePayment(self, request: pb.CreatePaymentRequest, context: Context) -> pb.CreatePaymentResponse:
        (outcome,) = await self._handlers.create_many([_order(request)])
        if isinstance(outcome, Told):
            raise outcome
        return pb.CreatePaymentResponse(payment=payment_message(outcome))

    async def CreatePaymentsBatch(
        self, request: pb.CreatePaymentsBatchRequest, context: Context
    ) -> pb.CreatePaymentsBatchResponse:
        outcomes = await self._handlers.create_many([_order(one) for one in request.requests])
        return pb.CreatePaymentsBatchResponse(outcomes=map(_outcome, outcomes))

    async def GetPayment(self, request: pb.GetPaymentRequest, context: Context) -> pb.GetPaymentResponse:
        payment = await self._handlers.payment(request.payment_id, request.key, request.user_id)
        return pb.GetPaymentResponse(payment=payment_message(payment))

    async def CancelPayment(self, request: pb.CancelPaymentRequest, context: Context) -> pb.CancelPaymentResponse:
        payment = await self._handlers.cancel(request.key, attempt=request.attempt, unless_paid=request.unless_paid)
        return pb.CancelPaymentResponse(payment=payment_message(payment) if payment else None)

    async def RefundPayment(self, request: pb.RefundPaymentRequest, context: Context) -> pb.RefundPaymentResponse:
        amount = Money(request.amount.minor, request.amount.currency) if request.HasField("amount") else None
        payment = await self._handlers.refund(request.payment_id, request.refund_key, amount)
        return pb.RefundPaymentResponse(payment=payment_message(payment))

    async def ListPayments(self, request: pb.ListPaymentsRequest, context: Context) -> pb.ListPaymentsResponse:
        if request.booking_ids:
            page = await self._reads.of_bookings(request.booking_ids)
        else:
            between = (request.after_booking_id, request.until_booking_id)
            page = await self._reads.between(*between, size=request.page_size, token=request.page_token)
        listed = [payment_message(replace(payment, next_action=None)) for payment in page.items]
        return pb.ListPaymentsResponse(payments=listed, next_page_token=page.next_token)

    async def CheckInvariants(
        self, request: invariants_pb2.CheckInvariantsRequest, context: Context
    ) -> invariants_pb2.CheckInvariantsResponse:
        report = await self._watch.look(grace_s=request.grace_s, window_s=request.window_s)
        return invariants_pb2.CheckInvariantsResponse(**report.message(now=utc_now()))


def _order(request: pb.CreatePaymentRequest) -> Order:
    return Order(
        key=request.key,
        booking_id=request.booking_id,
        user_id=request.user_id,
        amount=Money(request.amount.minor, request.amount.currency),
        payment_method=request.payment_method,
        description=request.description,
        attempt=request.attempt or 1,
    )


def _outcome(outcome: Payment | Told) -> pb.CreatePaymentOutcome:
    if isinstance(outcome, Payment):
        return pb.CreatePaymentOutcome(payment=payment_message(outcome))
    refused = refusal_pb2.Refused(kind=outcome.kind.value, reason=outcome.reason, message=str(outcome))
    return pb.CreatePaymentOutcome(refused=refused)
