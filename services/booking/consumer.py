"""Topics `payments` and `events`: what others decided that a booking waits for, or must follow."""

from collections.abc import Sequence
from typing import Final

from protos.gen import messages_pb2 as messages
from services.booking.handlers import BookingHandlers
from services.kit.bus.facts import Fact

PAYMENT_DECIDED: Final = {
    message.DESCRIPTOR.full_name: message
    for message in (messages.PaymentSucceeded, messages.PaymentFailed, messages.PaymentCancelled)
}
EVENT_CANCELLED: Final = messages.EventCancelled.DESCRIPTOR.full_name


class FactsConsumer:
    """No inbox: a booking that does not wait any more is left alone, however often it is told."""

    def __init__(self, handlers: BookingHandlers) -> None:
        self._handlers = handlers

    async def handle(self, facts: Sequence[Fact]) -> None:
        decided = [PAYMENT_DECIDED[fact.type].FromString(fact.body) for fact in facts if fact.type in PAYMENT_DECIDED]
        await self._handlers.payments_decided([payment.booking_id for payment in decided])
        for payment in decided:
            if isinstance(payment, messages.PaymentSucceeded) and payment.late:
                await self._handlers.paid_late(payment.booking_id, payment.payment_id)
        for fact in facts:
            if fact.type == EVENT_CANCELLED:
                await self._handlers.event_cancelled(messages.EventCancelled.FromString(fact.body).event_id)
