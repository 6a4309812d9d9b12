"""Topics `seats` and `bookings`: rooms hear of places, buyers of their bookings, whoever else forgot to tell them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from protos.gen import messages_pb2 as messages
from services.kit.bus.facts import Fact
from services.kit.clock import Clock
from services.realtime.handlers import RealtimeHandlers
from services.realtime.news import booking_fact, seats_delta

# Older news is none: inboxes keep it no longer, and what had been sent is not known any more.
BOOKINGS_MATTER: Final = timedelta(minutes=50)
SEATS_MATTER: Final = timedelta(minutes=2)


class FactsConsumer:
    def __init__(self, handlers: RealtimeHandlers, now: Clock) -> None:
        self._handlers, self._now = handlers, now

    async def handle(self, facts: Sequence[Fact]) -> None:
        seats = [seats_delta(fact) for fact in facts if self._is_news(fact, messages.SeatsChanged, SEATS_MATTER)]
        await self._handlers.seats_changed(seats)
        recent = [fact for fact in facts if fact.topic == "bookings" and self._age(fact) < BOOKINGS_MATTER]
        told = [replace(message, traceparent=fact.traceparent) for fact in recent if (message := booking_fact(fact))]
        await self._handlers.tell_all(told)

    def _is_news(self, fact: Fact, body: type[messages.SeatsChanged], matters: timedelta) -> bool:
        return fact.type == body.DESCRIPTOR.full_name and self._age(fact) < matters

    def _age(self, fact: Fact) -> timedelta:
        return self._now() - fact.time
