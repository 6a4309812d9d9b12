"""A mail in words: text and HTML in the recipient's language, with one QR code a ticket."""

from __future__ import annotations

from email.utils import parseaddr
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.email_worker.domain import Leased
from services.email_worker.mime import Picture, Written, mailbox, to_wire
from services.email_worker.ports import Letter, Undeliverable
from services.email_worker.qr import TooLong, qr_png
from services.email_worker.words import language_for

TEMPLATES: Final = Path(__file__).parent / "templates"


class Letters:
    """Renders leased mails whose recipient and show are known."""

    def __init__(self, *, sender: str, site_url: str) -> None:
        self._sender, self._site_url = mailbox(*parseaddr(sender)), site_url.rstrip("/")
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def render(self, leased: Leased) -> Letter:
        """Raises Undeliverable for what can not be shown; any other exception is a fault of ours."""
        mail, recipient, show = leased.mail, leased.recipient, leased.show
        if recipient is None or show is None:
            raise Undeliverable("recipient or event is not known")
        language = language_for(recipient.language)
        said = {
            "booking_id": mail.booking_id,
            "cancel_reason": leased.cancel_reason,
            "details": mail.details,
            "link": f"{self._site_url}/bookings/{mail.booking_id}",
            "name": recipient.name,
            "show": show,
            "amount": language.amount,
            "time": lambda at: language.time(at, show.timezone),
            "cid": lambda index: _content_id(mail.mail_id, index),
        }
        template = f"{language.code}/{mail.kind}"
        # The first line of a text is its subject.
        subject, _, text = self._templates.get_template(f"{template}.txt").render(said).partition("\n")
        written = Written(
            sender=self._sender,
            recipient=recipient.email,
            name=recipient.name,
            subject=subject,
            language=language.code,
            text=text.strip() + "\n",
            html=self._templates.get_template(f"{template}.html").render(said),
            pictures=_pictures(leased),
        )
        return Letter(recipient.email, to_wire(written, mail))


def _pictures(leased: Leased) -> list[Picture]:
    mail = leased.mail
    try:
        return [
            Picture(f"ticket-{index + 1}.png", _content_id(mail.mail_id, index), qr_png(ticket.qr))
            for index, ticket in enumerate(mail.details.tickets)
        ]
    except TooLong as long:
        raise Undeliverable(str(long)) from long


def _content_id(mail_id: str, index: int) -> str:
    return f"ticket-{index + 1}.{mail_id}"
