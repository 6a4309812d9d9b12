"""What happened to a payment, as messages on topic `payments`."""

from collections.abc import Callable, Mapping
from typing import Final

from google.protobuf.message import Message

from protos.gen import messages_pb2 as messages
from protos.gen import money_pb2
from services.kit.database.outbox import Outgoing
from services.payment.domain import Payment, Status, StatusChanged

TOPIC: Final = "payments"


def outgoing(change: StatusChanged) -> Outgoing | None:
    """The fact to publish; None for a status that is between the buyer and us only."""
    body = _BODIES.get(change.payment.status)
    return Outgoing(TOPIC, change.payment.payment_id, body(change)) if body else None


def _succeeded(change: StatusChanged) -> Message:
    payment = change.payment
    amount = _money(payment.amount.minor, payment)
    return messages.PaymentSucceeded(**_ids(payment), amount=amount, late=payment.late)


def _failed(change: StatusChanged) -> Message:
    return messages.PaymentFailed(**_ids(change.payment), reason=change.payment.failure_reason)


def _cancelled(change: StatusChanged) -> Message:
    return messages.PaymentCancelled(**_ids(change.payment))


def _refunded(change: StatusChanged) -> Message:
    payment = change.payment
    return messages.PaymentRefunded(
        **_ids(payment),
        amount=_money(change.refunded_now, payment),
        refunded=_money(payment.refunded_minor, payment),
    )


def _ids(payment: Payment) -> dict[str, str]:
    return {"payment_id": payment.payment_id, "booking_id": payment.booking_id, "user_id": payment.user_id}


def _money(minor: int, payment: Payment) -> money_pb2.Money:
    return money_pb2.Money(minor=minor, currency=payment.amount.currency)


_BODIES: Final[Mapping[Status, Callable[[StatusChanged], Message]]] = {
    Status.SUCCEEDED: _succeeded,
    Status.FAILED: _failed,
    Status.CANCELLED: _cancelled,
    Status.REFUNDED: _refunded,
    Status.PARTIALLY_REFUNDED: _refunded,
}
