"""Topics `users`, `events` and `bookings`: wire to our words.

`payments` is not read: a refund that belongs to a cancellation is told by BookingCancelled, with its amount.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from protos.gen import messages_pb2 as messages
from protos.gen import money_pb2, ticket_pb2
from services.email_worker.domain import (
    BookingNews,
    Details,
    Kind,
    Mail,
    Recipient,
    Show,
    ShowCancelled,
    Ticket,
    mail_id,
    plain,
)
from services.email_worker.handlers import MailHandlers, News
from services.kit.bus.facts import Fact
from services.kit.clock import Clock
from services.kit.money import Money

TOPICS: Final = ("users", "events", "bookings")
# Refusals a buyer can do something about; for the rest the page said enough.
WORTH_A_MAIL: Final = frozenset(
    {"card-declined", "insufficient-funds", "expired-card", "authentication-failed", "payment-expired"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPolicy:
    """Which mails are written, and how they are named."""

    # The part of a Message-ID after the @.
    domain: str
    rejections: bool
    reminder_after: timedelta


class FactsConsumer:
    def __init__(self, handlers: MailHandlers, policy: MailPolicy, now: Clock, *, wake: Callable[[], None]) -> None:
        self._handlers, self._policy, self._now, self._wake = handlers, policy, now, wake

    async def handle(self, facts: Sequence[Fact]) -> None:
        told = {fact.id: news for fact in facts if (news := self._read(fact)) is not None}
        if told:
            await self._handlers.learn(told)
            self._wake()

    def _read(self, fact: Fact) -> News | None:
        match fact.type:
            case "messages.UserRegistered":
                return _recipient(messages.UserRegistered.FromString(fact.body))
            case "messages.EventPublished":
                return _show(messages.EventPublished.FromString(fact.body))
            case "messages.EventCancelled":
                off = messages.EventCancelled.FromString(fact.body)
                return ShowCancelled(plain(off.event_id), plain(off.reason))
            case "messages.BookingConfirmed":
                return self._confirmed(messages.BookingConfirmed.FromString(fact.body), fact)
            case "messages.BookingCancelled":
                return self._cancelled(messages.BookingCancelled.FromString(fact.body), fact)
            case "messages.BookingRejected":
                return self._rejected(messages.BookingRejected.FromString(fact.body), fact)
            case "messages.BookingAwaitingPayment":
                return self._awaiting(messages.BookingAwaitingPayment.FromString(fact.body), fact)
        return None

    def _confirmed(self, booking: messages.BookingConfirmed, fact: Fact) -> BookingNews:
        tickets = tuple(_ticket(ticket) for ticket in booking.tickets)
        return self._decided(Kind.TICKETS, booking, fact, Details(tickets=tickets, total=_money(booking.total)))

    def _cancelled(self, booking: messages.BookingCancelled, fact: Fact) -> BookingNews:
        details = Details(reason=plain(booking.reason), refunded=_money(booking.refunded))
        return self._decided(Kind.CANCELLED, booking, fact, details)

    def _rejected(self, booking: messages.BookingRejected, fact: Fact) -> BookingNews:
        if self._policy.rejections and booking.reason in WORTH_A_MAIL:
            return self._decided(Kind.REJECTED, booking, fact, Details(reason=booking.reason))
        return BookingNews(booking_id=plain(booking.booking_id), mail=None, decided=True)

    def _awaiting(self, booking: messages.BookingAwaitingPayment, fact: Fact) -> BookingNews:
        expires_at = _time(booking.expires_at) if booking.HasField("expires_at") else None
        mail = self._mail(Kind.PAYMENT, booking, fact, Details(expires_at=expires_at))
        return BookingNews(booking_id=mail.booking_id, mail=mail, decided=False)

    def _decided(self, kind: Kind, booking: _Booking, fact: Fact, details: Details) -> BookingNews:
        mail = self._mail(kind, booking, fact, details)
        return BookingNews(booking_id=mail.booking_id, mail=mail, decided=True)

    def _mail(self, kind: Kind, booking: _Booking, fact: Fact, details: Details) -> Mail:
        booking_id = plain(booking.booking_id)
        identity = mail_id(booking_id, kind)
        now = self._now()
        return Mail(
            mail_id=identity,
            message_id=f"<{identity}@{self._policy.domain}>",
            kind=kind,
            booking_id=booking_id,
            user_id=plain(booking.user_id),
            event_id=plain(booking.event_id),
            details=details,
            traceparent=fact.traceparent,
            added_at=now,
            due_at=now + self._policy.reminder_after if kind is Kind.PAYMENT else now,
        )


type _Booking = (
    messages.BookingConfirmed | messages.BookingCancelled | messages.BookingRejected | messages.BookingAwaitingPayment
)


def _recipient(who: messages.UserRegistered) -> Recipient:
    return Recipient(
        user_id=plain(who.user_id), email=plain(who.email), name=plain(who.name), language=plain(who.language) or "en"
    )


def _show(published: messages.EventPublished) -> Show:
    event = published.event
    return Show(
        event_id=plain(event.event_id),
        title=plain(event.title),
        venue=plain(event.venue.name),
        city=plain(event.venue.city),
        timezone=plain(event.venue.timezone),
        starts_at=_time(event.starts_at),
    )


def _ticket(ticket: ticket_pb2.Ticket) -> Ticket:
    price = Money(ticket.place.price.minor, plain(ticket.place.price.currency))
    return Ticket(ticket_id=plain(ticket.ticket_id), place=plain(ticket.place.label), price=price, qr=ticket.qr_payload)


def _money(amount: money_pb2.Money) -> Money | None:
    """None for no money at all: nothing was paid, nothing goes back."""
    return Money(amount.minor, plain(amount.currency)) if amount.minor else None


def _time(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
