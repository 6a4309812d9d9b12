"""The mail server, over connections that carry one mail after the other (aiosmtplib)."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from email.utils import parseaddr
from typing import Final

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from services.email_worker.ports import Letter, Postponed, ServerAway, Undeliverable
from services.email_worker.settings import EmailWorkerSettings

CONNECT_S: Final = 10.0
CLOSE_S: Final = 2.0
# Servers hang up on whom they have not heard for a while; a connection this old is made anew instead.
IDLE_S: Final = 20.0
# A check that finds the server answered this recently does not knock again.
FRESH_S: Final = 10.0
PING_S: Final = 1.2


class SmtpLane:
    """One connection; opened when there is a letter for it. One letter at a time."""

    def __init__(self, settings: EmailWorkerSettings) -> None:
        self._settings = settings
        self._sender = parseaddr(settings.mail_from)[1]
        self._smtp: SMTP | None = None
        self._used_at = 0.0

    async def deliver(self, letter: Letter) -> None:
        smtp = await self._connected()
        try:
            async with asyncio.timeout(self._settings.mail_deadline_s):
                await smtp.sendmail(self._sender, [letter.recipient], letter.content, mail_options=_options(letter))
        except (SMTPException, TimeoutError, OSError, ValueError) as error:
            await self._after(error)
            raise _verdict(error) from error
        except BaseException:
            # Interrupted half way: nobody knows what the server would take the next line for.
            await self.close()
            raise
        self._used_at = time.monotonic()

    async def _connected(self) -> SMTP:
        if self._smtp is not None and time.monotonic() - self._used_at > IDLE_S:
            await self.close()
        if self._smtp is None:
            smtp = client(self._settings)
            try:
                async with asyncio.timeout(CONNECT_S):
                    await smtp.connect()
            except (SMTPException, TimeoutError, OSError, ValueError) as error:
                smtp.close()
                raise ServerAway(repr(error)[:300]) from error
            self._smtp, self._used_at = smtp, time.monotonic()
        return self._smtp

    async def _after(self, error: Exception) -> None:
        """A server that answered in order is ready for the next letter; else the connection is of no more use."""
        if not isinstance(error, SMTPResponseException | SMTPRecipientsRefused) or _code(error) == 421:
            await self.close()

    async def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        with suppress(SMTPException, TimeoutError, OSError):
            async with asyncio.timeout(CLOSE_S):
                await smtp.quit()
        smtp.close()


class SmtpCheck:
    """Whether the mail server takes connections."""

    def __init__(self, settings: EmailWorkerSettings) -> None:
        self._settings = settings
        self._answered_at = -FRESH_S

    async def ping(self) -> None:
        """Raises when it does not."""
        if time.monotonic() - self._answered_at < FRESH_S:
            return
        smtp = client(self._settings)
        try:
            async with asyncio.timeout(PING_S):
                await smtp.connect()
                await smtp.quit()
        finally:
            smtp.close()
        self._answered_at = time.monotonic()


def client(settings: EmailWorkerSettings) -> SMTP:
    return SMTP(
        hostname=settings.mail_host,
        port=settings.mail_port,
        username=settings.mail_username or None,
        password=settings.mail_password.get_secret_value() or None,
        timeout=settings.mail_deadline_s,
        use_tls=settings.mail_tls == "tls",
        start_tls=settings.mail_tls == "starttls",
    )


def _options(letter: Letter) -> list[str]:
    """A foreign address needs a server that takes it, and headers in UTF-8."""
    return [] if letter.recipient.isascii() else ["SMTPUTF8"]


def _verdict(error: Exception) -> Exception:
    """What a failed delivery means for the letter.

    5xx about the recipient or the content is the letter's own fault. 5xx about the sender, or for anything before, is
    a fault of our settings, and a ticket must survive that: it is tried again like everything else.
    """
    own_fault = not isinstance(error, SMTPSenderRefused) and 500 <= _code(error) < 600
    return Undeliverable(_words(error)) if own_fault else Postponed(_words(error))


def _code(error: Exception) -> int:
    match error:
        case SMTPRecipientsRefused():
            return max((_code(one) for one in error.recipients), default=0)
        case SMTPResponseException():
            return error.code
    return 0


def _words(error: Exception) -> str:
    """The server's answer without the address it may repeat: reasons are kept, persons are not."""
    match error:
        case SMTPRecipientsRefused() | SMTPRecipientRefused():
            return f"{_code(error)} recipient refused"
        case SMTPResponseException():
            return f"{error.code} {type(error).__name__}"
    return type(error).__name__
