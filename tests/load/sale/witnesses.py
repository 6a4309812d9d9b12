"""Those who are asked afterwards: the mailbox, and the PSP. Both are read from where they were before the sale."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp
import msgspec

from tests.load.sale import wire
from tests.load.sale.evidence import Intent, Mail

PAGE = 1000
_letters = msgspec.json.Decoder(list[wire.Letter]).decode
_intents = msgspec.json.Decoder(wire.PspPage).decode


class Mailbox:
    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, f"{url.rstrip('/')}/api/messages"
        self._last = ""
        # Letter id → the mail.
        self._found: dict[str, Mail] = {}

    @property
    def mails(self) -> Sequence[Mail]:
        return list(self._found.values())

    async def begin(self) -> None:
        """What is there already is not of this sale."""
        async with self._http.get(f"{self._url}?limit=1") as page:
            newest = _letters(await page.read())
        self._last = newest[0].id if newest else ""

    async def look(self) -> None:
        """Add what has come since."""
        while True:
            async with self._http.get(f"{self._url}?after={self._last}&limit={PAGE}") as page:
                letters = _letters(await page.read())
            for letter in letters:
                self._found[letter.id] = _mail(letter)
                self._last = letter.id
            if len(letters) < PAGE:
                break
        # One that comes once more keeps its place, which we have passed.
        async with self._http.get(f"{self._url}?repeated=&limit={PAGE}") as page:
            for letter in _letters(await page.read()):
                if letter.id in self._found:
                    self._found[letter.id] = _mail(letter)


def _mail(letter: wire.Letter) -> Mail:
    about = letter.headers.get
    return Mail(about("X-Booking-Id", ""), letter.message_id, about("X-Mail-Kind", ""), letter.deliveries)


class Psp:
    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, f"{url.rstrip('/')}/sandbox/intents"
        self._begin = ""

    async def begin(self) -> None:
        if earlier := await self._list():
            self._begin = earlier[-1].id

    async def intents(self) -> Sequence[Intent]:
        return [
            Intent(
                id=intent.id,
                booking_id=intent.metadata.get("booking_id", ""),
                succeeded=intent.status == "succeeded",
                amount=intent.amount,
                refunded=intent.amount_refunded,
            )
            for intent in await self._list()
        ]

    async def _list(self) -> Sequence[wire.PspIntent]:
        found: list[wire.PspIntent] = []
        after, more = self._begin, True
        while more:
            async with self._http.get(f"{self._url}?limit={PAGE}&after={after}") as answer:
                page = _intents(await answer.read())
            found += page.data
            more = page.has_more and bool(page.data)
            after = found[-1].id if found else after
        return found
