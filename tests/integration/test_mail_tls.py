"""A mail server behind TLS, and whom we believe to be one: aiosmtpd, which speaks both kinds."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from services.email_worker.ports import Letter, ServerAway
from services.email_worker.settings import EmailWorkerSettings
from services.email_worker.smtp import SmtpLane
from tests.certificates import certificate, server_context

LETTER = Letter(recipient="buyer@example.com", content=b"Subject: Your tickets\r\n\r\nHere they are.\r\n")
USER, PASSWORD = "tickets", "a long password"


class Kept:
    """What the server took: whether it came encrypted, and what it was."""

    def __init__(self) -> None:
        self.mails: list[tuple[bool, bytes]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert server.transport is not None
        self.mails.append((server.transport.get_extra_info("ssl_object") is not None, envelope.original_content or b""))
        return "250 kept"


def is_ours(*words: Any) -> AuthResult:
    # Not handled: the server has still to say so.
    return AuthResult(success=words[-1] == LoginPassword(USER.encode(), PASSWORD.encode()), handled=False)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def certified(tmp_path: Path) -> ssl.SSLContext:
    """Of a server that is `localhost` by a certificate in `tmp_path`."""
    return server_context(*certificate(tmp_path, "localhost"))


@pytest.fixture
def trusted(certified: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an image, whose authorities are those of SSL_CERT_FILE."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "localhost.crt"))


@asynccontextmanager
async def listening(make: Callable[[], SMTP], tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def delivered(port: int, kind: str, password: str = "") -> None:
    settings = EmailWorkerSettings(
        mail_host="localhost",
        mail_port=port,
        mail_tls=kind,
        mail_username=USER if password else "",
        mail_password=password,
        postgres_password="-",
    )
    lane = SmtpLane(settings)
    try:
        await lane.deliver(LETTER)
    finally:
        await lane.close()


@pytest.mark.usefixtures("trusted")
async def test_a_connection_that_begins_in_the_clear_is_encrypted_before_the_letter(
    kept: Kept, certified: ssl.SSLContext
) -> None:
    async with listening(partial(SMTP, kept, tls_context=certified, require_starttls=True)) as port:
        await delivered(port, "starttls")

    ((encrypted, content),) = kept.mails
    assert encrypted
    assert b"Here they are." in content


@pytest.mark.usefixtures("trusted")
async def test_a_server_is_reached_that_is_encrypted_from_the_start(kept: Kept, certified: ssl.SSLContext) -> None:
    async with listening(partial(SMTP, kept), tls=certified) as port:
        await delivered(port, "tls")

    assert [encrypted for encrypted, _ in kept.mails] == [True]


async def test_a_server_that_offers_no_encryption_gets_no_letter(kept: Kept) -> None:
    """Whoever sits in between may have taken the offer out."""
    async with listening(partial(SMTP, kept)) as port:
        with pytest.raises(ServerAway):
            await delivered(port, "starttls")

    assert kept.mails == []


@pytest.mark.parametrize("kind", ["starttls", "tls"])
async def test_a_server_that_nobody_vouches_for_gets_no_letter(
    kept: Kept, certified: ssl.SSLContext, kind: str
) -> None:
    offers = {"tls_context": certified} if kind == "starttls" else {}
    async with listening(partial(SMTP, kept, **offers), tls=certified if kind == "tls" else None) as port:
        with pytest.raises(ServerAway, match="CERTIFICATE_VERIFY_FAILED"):
            await delivered(port, kind)

    assert kept.mails == []


@pytest.mark.usefixtures("trusted")
async def test_the_password_is_shown_encrypted_and_a_wrong_one_keeps_the_letter(
    kept: Kept, certified: ssl.SSLContext
) -> None:
    server = partial(
        SMTP, kept, tls_context=certified, require_starttls=True, auth_required=True, authenticator=is_ours
    )
    async with listening(server) as port:
        with pytest.raises(ServerAway, match="535") as refused:
            await delivered(port, "starttls", "a wrong one")
        assert kept.mails == []
        await delivered(port, "starttls", PASSWORD)

    assert "a wrong one" not in str(refused.value)
    assert [encrypted for encrypted, _ in kept.mails] == [True]
