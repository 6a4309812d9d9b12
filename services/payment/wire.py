"""A payment as the message of payment.proto."""

from typing import Final

from protos.gen import money_pb2
from protos.gen import payment_pb2 as pb
from services.payment.domain import Payment, Status

_STATUS: Final = {status: pb.PaymentStatus.Value(status.name) for status in Status}


def payment_message(payment: Payment) -> pb.Payment:
    currency = payment.amount.currency
    message = pb.Payment(
        payment_id=payment.payment_id,
        key=payment.key,
        booking_id=payment.booking_id,
        user_id=payment.user_id,
        amount=money_pb2.Money(minor=payment.amount.minor, currency=currency),
        refunded=money_pb2.Money(minor=payment.refunded_minor, currency=currency),
        status=_STATUS[payment.status],
        failure_reason=payment.failure_reason,
        provider=payment.provider,
        provider_ref=payment.provider_ref,
        attempt=payment.attempt,
        late=payment.late,
    )
    if action := payment.next_action:
        message.next_action.type, message.next_action.url = action.type, action.url
        message.next_action.client_secret = action.client_secret
    message.created_at.FromDatetime(payment.created_at)
    message.updated_at.FromDatetime(payment.updated_at)
    return message
