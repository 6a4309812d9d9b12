"""Topics `payments`, `mails` and `events`: what others decided that a booking waits for, or must follow or remember."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf.message import Message

from protos.gen import messages_pb2 as messages
from services.booking.handlers import BookingHandlers
from services.booking.ports import Memory
from services.booking.timeline import Heard
from services.kit.bus.facts import Fact
from services.kit.money import Money

PAYMENT_DECIDED: Final = {
    message.DESCRIPTOR.full_name: message
    for message in (messages.PaymentSucceeded, messages.PaymentFailed, messages.PaymentCancelled)
}
EVENT_CANCELLED: Final = messages.EventCancelled.DESCRIPTOR.full_name
# What the timeline calls it.
CODES: Final[Mapping[str, type[Message]]] = {
    "payment-succeeded": messages.PaymentSucceeded,
    "payment-failed": messages.PaymentFailed,
    "payment-cancelled": messages.PaymentCancelled,
    "payment-refunded": messages.PaymentRefunded,
    "mail-sent": messages.MailSent,
    "mail-failed": messages.MailFailed,
}
HEARD: Final = {message.DESCRIPTOR.full_name: (code, message) for code, message in CODES.items()}


class FactsConsumer:
    """No inbox: a booking that does not wait any more is left alone, and what is heard is kept by its fact's id."""

    def __init__(self, handlers: BookingHandlers, memory: Memory) -> None:
        self._handlers, self._memory = handlers, memory

    async def handle(self, facts: Sequence[Fact]) -> None:
        await self._memory.hear([heard_of(fact) for fact in facts if fact.type in HEARD])
        decided = [PAYMENT_DECIDED[fact.type].FromString(fact.body) for fact in facts if fact.type in PAYMENT_DECIDED]
        await self._handlers.payments_decided([payment.booking_id for payment in decided])
        for payment in decided:
            if isinstance(payment, messages.PaymentSucceeded) and payment.late:
                await self._handlers.paid_late(payment.booking_id, payment.payment_id)
        for fact in facts:
            if fact.type == EVENT_CANCELLED:
                await self._handlers.event_cancelled(messages.EventCancelled.FromString(fact.body).event_id)


def heard_of(fact: Fact) -> Heard:
    """What a fact says of a booking, as it is remembered."""
    code, message = HEARD[fact.type]
    said: Any = message.FromString(fact.body)
    amount = Money(said.amount.minor, said.amount.currency) if hasattr(said, "amount") else None
    return Heard(
        fact_id=fact.id,
        booking_id=said.booking_id,
        at=fact.time,
        code=code,
        reason=getattr(said, "reason", ""),
        about=said.kind if code.startswith("mail-") else said.payment_id,
        amount=amount,
    )
