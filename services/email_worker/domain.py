"""Mails and what they say: values, states, and what becomes of a mail that could not be sent."""

from __future__ import annotations

import enum
import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.kit.money import Money

MAX_TRIES: Final = 12
# After the n-th try; the last one comes about seven hours after the first.
BACKOFF: Final = tuple(timedelta(seconds=min(30 * 2**n, 3600)) for n in range(MAX_TRIES))
# How long a mail waits for the facts it needs: topics have no order among each other, but nothing is that late.
MISSING_FACTS_WAIT: Final = timedelta(hours=24)
MISSING_FACTS_LOOK: Final = timedelta(seconds=10)
MAX_TEXT: Final = 300
_ADDRESS: Final = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@<>()\[\],;:\\\"]{1,253}")
_NAMESPACE: Final = uuid.UUID("7c1d5f1e-3f5b-5a0e-9c55-2f6a6d61696c")


class Kind(enum.StrEnum):
    TICKETS = "tickets"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    PAYMENT = "payment"


class State(enum.StrEnum):
    WAITING = "waiting"
    # A sender has it, until its lease ends.
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    # No longer true when its turn came.
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    user_id: str
    email: str
    name: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """What a buyer's event is called, and where and when it takes place."""

    event_id: str
    title: str
    venue: str
    city: str
    # IANA name.
    timezone: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class ShowCancelled:
    event_id: str
    # In the organiser's words.
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    ticket_id: str
    # `Section A, row 3, seat 12`.
    place: str
    price: Money
    # What its QR code shows.
    qr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a mail says beyond person and show; each kind uses its own fields."""

    tickets: tuple[Ticket, ...] = ()
    total: Money | None = None
    refunded: Money | None = None
    reason: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    mail_id: str
    # The same at every try, so that a receiver can tell a repetition.
    message_id: str
    kind: Kind
    booking_id: str
    user_id: str
    event_id: str
    details: Details
    traceparent: str = ""
    added_at: datetime
    # When a sender may take it: its next try or, while one has it, the end of the lease.
    due_at: datetime
    state: State = State.WAITING
    # Those begun, the present one included.
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingNews:
    """What a fact about a booking means for its mails."""

    booking_id: str
    mail: Mail | None
    # Decided: a reminder to pay that still waits is not sent any more.
    decided: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A mail in a sender's hands until `mail.due_at`, with what is known about it by now."""

    mail: Mail
    recipient: Recipient | None
    show: Show | None
    cancel_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a leased mail. It counts only while that lease is the latest."""

    mail: Mail
    state: State
    at: datetime
    due_at: datetime
    tries: int
    reason: str = ""


def mail_id(booking_id: str, kind: Kind) -> str:
    """The same for the same booking and kind for ever, whatever is lost in between."""
    return str(uuid.uuid5(_NAMESPACE, f"{booking_id}/{kind}"))


def sent(mail: Mail, *, at: datetime) -> Outcome:
    return Outcome(mail=mail, state=State.SENT, at=at, due_at=at, tries=mail.tries)


def failed(mail: Mail, reason: str, *, at: datetime) -> Outcome:
    return Outcome(mail=mail, state=State.FAILED, at=at, due_at=at, tries=mail.tries, reason=plain(reason))


def postponed(mail: Mail, reason: str, *, at: datetime) -> Outcome:
    """Again later, unless this was the last try."""
    if mail.tries >= MAX_TRIES:
        return failed(mail, reason, at=at)
    due_at = at + BACKOFF[mail.tries - 1]
    return Outcome(mail=mail, state=State.WAITING, at=at, due_at=due_at, tries=mail.tries, reason=plain(reason))


def untouched(mail: Mail, *, at: datetime) -> Outcome:
    """Given back as it was: this was no try."""
    return Outcome(mail=mail, state=State.WAITING, at=at, due_at=at, tries=mail.tries - 1)


def withdrawn(mail: Mail, *, at: datetime) -> Outcome:
    return Outcome(mail=mail, state=State.WITHDRAWN, at=at, due_at=at, tries=mail.tries)


def before_sending(leased: Leased, *, at: datetime) -> Outcome | None:
    """What becomes of it without a try; None: send it."""
    mail = leased.mail
    if mail.tries > MAX_TRIES:
        # Its sender died, again and again: this mail may be the reason.
        return failed(mail, "given up after its sender died", at=at)
    if mail.details.expires_at is not None and mail.details.expires_at <= at:
        return withdrawn(mail, at=at)
    if leased.recipient is None or leased.show is None:
        if at - mail.added_at >= MISSING_FACTS_WAIT:
            return failed(mail, "recipient or event never became known", at=at)
        due_at = at + MISSING_FACTS_LOOK
        return Outcome(mail=mail, state=State.WAITING, at=at, due_at=due_at, tries=mail.tries - 1, reason="facts")
    if not is_address(leased.recipient.email):
        return failed(mail, "not a mail address", at=at)
    return None


def is_address(text: str) -> bool:
    """True for what may stand in an SMTP command: one address and nothing that could end the line."""
    return _ADDRESS.fullmatch(text) is not None and text.isprintable()


def plain(text: str) -> str:
    """One line of bounded length without control characters, as names and titles should be and may not be.

    Formatting characters go too (category Cf): they turn the reading direction of what follows.
    """
    visible = "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char for char in text)
    return " ".join(visible.split())[:MAX_TEXT]
