"""The mailbox process takes mails and shows them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiohttp import ClientSession

from services.local.launch import Launch, end, launch
from tests.ports import free_port


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The running process as a client sees it."""

    smtp: int
    http: ClientSession

    async def take(self, mail: EmailMessage, *to: str) -> None:
        await aiosmtplib.send(mail, sender="us@example.com", recipients=to, hostname="127.0.0.1", port=self.smtp)

    async def json(self, path: str) -> Any:
        async with self.http.get(path) as reply:
            return await reply.json()


@pytest.fixture
async def mailbox(tmp_path: Path) -> AsyncIterator[Mailbox]:
    smtp, http = free_port(), free_port()
    command = [sys.executable, "-m", "services.local.mailbox", "--smtp", str(smtp)]
    command += ["--http", str(http), "--dir", str(tmp_path / "mails")]
    root = Path(__file__).parents[3]
    wanted = Launch(command=command, env={**os.environ, "PYTHONPATH": str(root)})
    process = await launch(wanted, stdout=PIPE, stderr=None)
    try:
        assert process.stdout is not None
        assert b"listening" in await asyncio.wait_for(process.stdout.readline(), 45)
        async with ClientSession(f"http://127.0.0.1:{http}") as session:
            yield Mailbox(smtp, session)
    finally:
        assert await end(process, first=signal.SIGTERM, patience_s=5) == 0


def a_ticket(subject: str = "Your tickets", message_id: str = "<m1@example.com>") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "us@example.com", subject
    mail["Message-ID"], mail["X-Booking-Id"], mail["X-Mail-Kind"] = message_id, "b1", "tickets"
    mail.set_content("Seat A1\n")
    mail.add_alternative("<p>Seat <b>A1</b><script>alert(1)</script>", subtype="html")
    mail.add_attachment(b"\x89PNG fake", "image", "png", filename="qr.png")
    mail.add_attachment(b"<script>alert(1)</script>", "text", "html", filename='e"vil.html')
    return mail


async def test_a_mail_is_found_by_its_recipient_and_read(mailbox: Mailbox, tmp_path: Path) -> None:
    await mailbox.take(a_ticket(), "ana@example.com", "bo@example.com")
    await mailbox.take(a_ticket("For Bo"), "bo@example.com")

    [found] = await mailbox.json("/api/messages?to=ana@example.com")
    read = await mailbox.json(f"/api/messages/{found['id']}")

    assert found["subject"] == "Your tickets"
    assert found["message_id"] == "<m1@example.com>"
    assert found["headers"] == {"X-Booking-Id": "b1", "X-Mail-Kind": "tickets"}
    assert found["deliveries"] == 1
    assert read["text"] == "Seat A1\r\n"
    assert [part["name"] for part in read["attachments"]] == ["qr.png", 'e"vil.html']
    assert await mailbox.json("/api/count") == {"count": 2}
    assert await mailbox.json("/api/count?to=bo@example.com") == {"count": 2}
    assert len(list((tmp_path / "mails").glob("*.eml"))) == 2


async def test_a_mail_that_comes_again_is_shown_once_and_counted(mailbox: Mailbox, tmp_path: Path) -> None:
    for _ in range(3):
        await mailbox.take(a_ticket(), "ana@example.com")
    await mailbox.take(a_ticket("Cancelled", "<m2@example.com>"), "ana@example.com")

    _, first = await mailbox.json("/api/messages?to=ana@example.com")
    repeated = await mailbox.json("/api/messages?repeated=")

    assert (first["subject"], first["deliveries"]) == ("Your tickets", 3)
    assert repeated == [first]
    assert len(list((tmp_path / "mails").glob("*.eml"))) == 2
    async with mailbox.http.get("/") as page:
        assert "came 3 times" in await page.text()


async def test_a_poller_sees_each_mail_once_and_in_order(mailbox: Mailbox) -> None:
    for number in range(5):
        await mailbox.take(a_ticket(str(number), f"<m{number}@example.com>"), "ana@example.com")

    seen: list[str] = []
    after = ""
    while page := await mailbox.json(f"/api/messages?after={after}&limit=2"):
        seen += [found["subject"] for found in page]
        after = page[-1]["id"]

    assert seen == ["0", "1", "2", "3", "4"]


async def test_pages_show_the_mail_and_shut_its_html_in(mailbox: Mailbox) -> None:
    await mailbox.take(a_ticket("<script>alert(1)</script>"), "ana@example.com")
    [found] = await mailbox.json("/api/messages")
    address = f"/messages/{found['id']}"

    for page in ("/?to=ana", address):
        async with mailbox.http.get(page) as reply:
            text = await reply.text()
            assert "&lt;script&gt;" in text
            assert "<script" not in text
            assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    async with mailbox.http.get(f"{address}/html") as reply:
        assert "sandbox" in reply.headers["Content-Security-Policy"]


async def test_pictures_are_pictures_and_everything_else_is_a_download(mailbox: Mailbox) -> None:
    await mailbox.take(a_ticket(), "ana@example.com")
    [found] = await mailbox.json("/api/messages")
    picture, evil = (await mailbox.json(f"/api/messages/{found['id']}"))["attachments"]

    async with mailbox.http.get(picture["url"]) as reply:
        assert (reply.content_type, await reply.read()) == ("image/png", b"\x89PNG fake")
    async with mailbox.http.get(evil["url"]) as reply:
        assert reply.content_type == "application/octet-stream"
        assert reply.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''e%22")
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


async def test_what_is_not_there_is_not_found(mailbox: Mailbox) -> None:
    await mailbox.take(a_ticket(), "ana@example.com")
    [found] = await mailbox.json("/api/messages")

    for path in ("/messages/../../etc/passwd", "/api/messages/none", "/messages/none/html"):
        async with mailbox.http.get(path) as reply:
            assert reply.status == 404
    async with mailbox.http.get(f"/messages/{found['id']}/parts/99") as reply:
        assert reply.status == 404
    async with mailbox.http.get("/api/messages?limit=-1") as reply:
        assert reply.status == 400
