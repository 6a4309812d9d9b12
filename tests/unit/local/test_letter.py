"""What is read from a mail, a hostile one too."""

from email.message import EmailMessage

import pytest

from services.local.mailbox import pages
from services.local.mailbox.letter import open_letter, summarise

ID = "1767323045678-000001"


def a_mail() -> EmailMessage:
    mail = EmailMessage()
    mail["Delivered-To"] = "ana@example.com"
    mail["Subject"] = "Deine Plätze"
    mail["Message-ID"] = "<m1@example.com>"
    mail["X-Booking-Id"] = "b1"
    mail.set_content("Zwei Plätze")
    mail.add_alternative('<b>Zwei</b><img src="cid:qr1">', subtype="html")
    mail.add_attachment(b"\x89PNG", "image", "png", filename="qr.png", cid="<qr1>")
    return mail


def test_the_index_keeps_who_what_and_when() -> None:
    letter = summarise(ID, a_mail().as_bytes())

    assert letter.to == ("ana@example.com",)
    assert letter.subject == "Deine Plätze"
    assert letter.message_id == "<m1@example.com>"
    assert letter.booking_id == "b1"
    assert letter.received_at.isoformat(timespec="milliseconds") == "2026-01-02T03:04:05.678+00:00"


def test_an_opened_mail_shows_its_bodies_and_its_picture() -> None:
    letter, opened = summarise(ID, a_mail().as_bytes()), open_letter(a_mail().as_bytes())

    assert opened.text
    assert opened.text.text.strip() == "Zwei Plätze"
    assert [part.name for part in opened.attachments] == ["qr.png"]
    assert f'<img src="/messages/{ID}/parts/2">' in pages.html_body(letter, opened)
    assert f'<img src="/messages/{ID}/parts/2" alt="">' in pages.message(letter, opened)


def test_what_a_mail_says_is_escaped_on_our_pages() -> None:
    evil = "<script>alert(1)</script>"
    mail = EmailMessage()
    mail["Delivered-To"] = f'"{evil}"@example.com'
    mail["Subject"] = evil
    mail["X-Evil"] = evil
    mail.set_content(evil)
    mail.add_attachment(b"", "text", "plain", filename=f'"{evil}')
    letter, opened = summarise(ID, mail.as_bytes()), open_letter(mail.as_bytes())

    for page in (
        pages.inbox([letter], words=f'">{evil}', page=0, more=True),
        pages.message(letter, opened),
    ):
        assert "<script" not in page


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\r\n\r\n\xff",
        b"Delivered-To: j\xc3\xb6rg@example.com\r\nSubject: \xff=?x?q?=FF?=\r\n\r\nhi",
        b'Subject: =?utf-7?b?K0FELQ==?=\r\nContent-Type: text/plain; charset="a\\\x00"\r\n\r\nhi',
        b"Subject: =?nosuch?q?a?=\r\nContent-Type: text/plain; charset=hex\r\n\r\nhi",
        b"Content-Type: text/html; charset=utf-7\r\n\r\n+2AA-",
        b'Content-Type: \xff/\xff; name="\xff"\r\nContent-ID: <\xff>\r\n\r\nhi',
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x",
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!",
        b"X\xff-Odd: 1\r\nDate: x\r\n\r\nhi",
    ],
)
def test_no_mail_is_too_broken_to_be_shown(raw: bytes) -> None:
    letter, opened = summarise(ID, raw), open_letter(raw)

    for page in (pages.message(letter, opened), pages.html_body(letter, opened)):
        page.encode()
