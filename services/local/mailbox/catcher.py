"""The SMTP side: takes every mail for everybody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from services.local.mailbox.shelf import Shelf

LARGEST_MAIL: Final = 10 * 1024 * 1024


class Catcher:
    """What aiosmtpd calls when a mail is complete; 250 only when its file is written."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw, now_ms = envelope.original_content or b"", time.time_ns() // 1_000_000
        letter = self._shelf.put(raw, to=envelope.rcpt_tos, now_ms=now_ms)
        return f"250 kept as {letter.id}"


@asynccontextmanager
async def catching(shelf: Shelf, *, host: str, port: int) -> AsyncIterator[None]:
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Catcher(shelf), hostname="mailbox", enable_SMTPUTF8=True, data_size_limit=LARGEST_MAIL),
        host,
        port,
    )
    try:
        yield
    finally:
        server.close()  # and no wait_closed, which would wait for clients that never leave
