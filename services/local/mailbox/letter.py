"""A caught mail: what the index keeps of it, and what a reader sees when it is opened."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Final

# Written above a mail each time it came once more.
AGAIN: Final = "Delivered-Again"
# The older policy: the newer one raises on headers that only an attacker writes.
_parser: Final = BytesHeaderParser()


@dataclass(frozen=True, slots=True)
class Letter:
    """One line of the index. `id` sorts by time of arrival."""

    id: str
    to: tuple[str, ...]
    subject: str
    message_id: str
    booking_id: str | None
    # What a sender says it is; empty when it does not.
    kind: str = ""
    # How often it came: a mail with the Message-ID of one that is here is that one.
    deliveries: int = 1

    @property
    def received_at(self) -> datetime:
        return datetime.fromtimestamp(int(self.id.partition("-")[0]) / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of a mail: a body, or something attached."""

    number: int
    content_type: str
    name: str | None
    content_id: str | None
    content: bytes
    charset: str

    @property
    def text(self) -> str:
        try:
            return _clean(self.content.decode(self.charset, "replace"))
        except (LookupError, ValueError):  # a charset that is none
            return self.content.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Opened:
    """A mail taken apart. `text` and `html` are its first bodies of that kind."""

    headers: Sequence[tuple[str, str]]
    text: Part | None
    html: Part | None
    attachments: Sequence[Part]

    def part(self, number: int) -> Part | None:
        return next((part for part in self.attachments if part.number == number), None)


def summarise(letter_id: str, raw: bytes) -> Letter:
    head = _headers(_parser.parsebytes(raw.partition(b"\r\n\r\n")[0]))
    first = {name.lower(): value for name, value in reversed(head)}
    return Letter(
        id=letter_id,
        to=tuple(value for name, value in head if name == "Delivered-To"),
        subject=first.get("subject", ""),
        message_id=first.get("message-id", ""),
        booking_id=first.get("x-booking-id"),
        kind=first.get("x-mail-kind", ""),
        deliveries=1 + sum(name == AGAIN for name, _ in head),
    )


def open_letter(raw: bytes) -> Opened:
    message = message_from_bytes(raw)
    parts = list(_leaves(message))
    text = _body(parts, "text/plain")
    html = _body(parts, "text/html")
    return Opened(
        headers=_headers(message),
        text=text,
        html=html,
        attachments=tuple(part for part in parts if part is not text and part is not html),
    )


def _body(parts: Sequence[Part], content_type: str) -> Part | None:
    bodies = (part for part in parts if part.content_type == content_type and part.name is None)
    return next(bodies, None)


def _leaves(message: Message) -> Iterator[Part]:
    leaves = (part for part in message.walk() if not part.is_multipart())
    for number, leaf in enumerate(leaves):
        content = leaf.get_payload(decode=True)
        name, content_id = leaf.get_filename(), leaf.get("Content-ID")
        yield Part(
            number=number,
            content_type=_clean(leaf.get_content_type()),
            name=None if name is None else _readable(name),
            content_id=None if content_id is None else _clean(str(content_id)).strip(" <>"),
            content=content if isinstance(content, bytes) else b"",
            charset=str(leaf.get_param("charset", "utf-8")),
        )


def _headers(message: Message) -> list[tuple[str, str]]:
    return [(_clean(name), _readable(str(value))) for name, value in message.raw_items()]


def _readable(written: str) -> str:
    """RFC 2047 words decoded; a header that cannot be is shown as it came. Raw UTF-8 is read."""
    text = _clean(written)
    with contextlib.suppress(MessageError, LookupError, ValueError):
        text = _clean(str(make_header(decode_header(text))))
    return " ".join(text.split())


def _clean(text: str) -> str:
    """The parser hides foreign bytes in lone surrogates, which no page and no file can hold."""
    try:
        return text.encode(errors="surrogateescape").decode(errors="replace")
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
