"""Made-up mails, and what they are about."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from services.email_worker.domain import Details, Kind, Leased, Mail, Recipient, Show, Ticket, mail_id
from services.kit.ids import new_id
from services.kit.money import Money

AT = datetime(2030, 1, 1, 12, tzinfo=UTC)


def a_recipient(**changed: object) -> Recipient:
    fields = {"user_id": "u1", "email": "ada@example.com", "name": "Ada", "language": "en"}
    return Recipient(**(fields | changed))


def a_show(**changed: object) -> Show:
    fields = {
        "event_id": "e1",
        "title": "Night of the Organ",
        "venue": "Minster",
        "city": "Ulm",
        "timezone": "Europe/Berlin",
        "starts_at": datetime(2030, 6, 14, 18, tzinfo=UTC),
    }
    return Show(**(fields | changed))


def a_ticket(number: int = 1, **changed: object) -> Ticket:
    fields = {
        "ticket_id": f"t{number}",
        "place": f"Section A, row 3, seat {number}",
        "price": Money(1250, "EUR"),
        "qr": f"eyJhbGciOiJFZERTQSJ9.{'x' * 200}.{number}",
    }
    return Ticket(**(fields | changed))


def a_mail(**changed: object) -> Mail:
    booking_id = str(changed.get("booking_id", new_id()))
    kind = Kind(changed.get("kind", Kind.TICKETS))
    fields = {
        "mail_id": mail_id(booking_id, kind),
        "message_id": f"<{mail_id(booking_id, kind)}@example.com>",
        "kind": kind,
        "booking_id": booking_id,
        "user_id": "u1",
        "event_id": "e1",
        "details": Details(tickets=(a_ticket(1), a_ticket(2)), total=Money(2500, "EUR")),
        "added_at": AT,
        "due_at": AT,
    }
    return Mail(**(fields | changed))


def a_lease(mail: Mail | None = None, **changed: object) -> Leased:
    fields = {"mail": mail or a_mail(), "recipient": a_recipient(), "show": a_show()}
    return Leased(**(fields | changed))


def opened(content: bytes) -> EmailMessage:
    """The mail as a reader's program takes it apart."""
    return message_from_bytes(content, policy=policy.default)


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def pictures(mail: EmailMessage) -> list[EmailMessage]:
    return [part for part in mail.walk() if part.get_content_type() == "image/png"]
