"""One buyer's WebSocket. It comes back by itself with the cursor of the last message, as a browser does."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import msgspec

from tests.load.sale import wire
from tests.load.sale.api import Member
from tests.load.sale.evidence import AWAITING_PAYMENT, DECIDED

PROTOCOL: Final = "ticketing.v1"
PAY_AGAIN: Final = "pay_again"
READY_S: Final = 20.0
CLOSING_S: Final = 2.0
PAUSE_S: Final = 0.5


class NoSocket(Exception):
    """The platform did not let this buyer in, again and again."""


@dataclass(slots=True)
class Heard:
    """What the socket has told of one booking."""

    booking: wire.Booking | None = None
    # When the first outcome came; 0 until then.
    first_at: float = 0.0
    statuses: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        return self.statuses[-1] if self.statuses else ""

    @property
    def settled(self) -> bool:
        return self.status in DECIDED - {AWAITING_PAYMENT}

    @property
    def may_pay_again(self) -> bool:
        """The bank said no, and the seats are still held."""
        action = self.booking.next_action if self.booking is not None else None
        return self.status == AWAITING_PAYMENT and action is not None and action.type == PAY_AGAIN

    @property
    def answered(self) -> bool:
        """Decided, or the buyer knows what to do next."""
        return self.settled or (self.booking is not None and self.booking.next_action is not None)


class BuyerSocket:
    """`heard` grows as messages come; `wait_for` waits until it satisfies somebody."""

    def __init__(
        self, http: aiohttp.ClientSession, url: str, member: Member, *, room: str = "", tries: int = 20
    ) -> None:
        self._http, self._url, self._member, self._room, self._tries = http, url, member, room, tries
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._cursor = ""
        self._closing = False
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self.heard: dict[str, Heard] = {}
        self.messages = 0
        # Times the platform, or the network, hung up.
        self.dropped = 0

    async def open(self) -> None:
        """Raises NoSocket."""
        self._closing = False
        self._socket = await self._connect()
        self._reader = asyncio.create_task(self._read(), name="buyer-socket")

    async def close(self) -> None:
        """Leave; what is sent from now on is replayed to whoever opens it again. Idempotent."""
        self._closing = True
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        self._socket = self._reader = None

    async def wait_for(self, booking_id: str, enough: Callable[[Heard], bool], *, within_s: float) -> Heard:
        """What is known of the booking once that is enough, or when the time is over."""
        heard = self.heard.setdefault(booking_id, Heard())
        deadline = time.monotonic() + within_s
        while not enough(heard) and (left_s := deadline - time.monotonic()) > 0:
            news = self._waiting[booking_id] = asyncio.get_running_loop().create_future()
            await asyncio.wait([news], timeout=left_s)
        self._waiting.pop(booking_id, None)
        return heard

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        for _ in range(self._tries):
            try:
                async with asyncio.timeout(READY_S):
                    return await self._sign_in()
            except (aiohttp.ClientError, OSError, TimeoutError):
                # Not all who were cut off at once come back at once.
                await asyncio.sleep(random.uniform(PAUSE_S / 2, PAUSE_S * 3 / 2))
        raise NoSocket(f"no socket after {self._tries} tries")

    async def _sign_in(self) -> aiohttp.ClientWebSocketResponse:
        # Without a cursor the socket begins now; it learns from `ready` where that is.
        url = f"{self._url}?cursor={self._cursor}" if self._cursor else self._url
        protocols = (PROTOCOL, f"bearer.{self._member.token}")
        socket = await self._http.ws_connect(
            url, protocols=protocols, timeout=aiohttp.ClientWSTimeout(ws_close=CLOSING_S)
        )
        first = await socket.receive()
        ready = wire.read_message(first.data) if first.type is aiohttp.WSMsgType.TEXT else None
        if ready is None or ready.type != "ready":
            # Cut off between the handshake and the first message, or refused.
            await socket.close()
            raise aiohttp.ClientError(f"the first message was {ready.type if ready else first.type!r}")
        self._cursor = self._cursor or msgspec.json.decode(ready.data, type=wire.Ready).cursor
        if self._room:
            await socket.send_str(f'{{"type":"join","room":"{self._room}"}}')
        return socket

    async def _read(self) -> None:
        while self._socket is not None:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._hear(message.data)
            if self._closing:
                return
            self.dropped += 1
            self._socket = await self._connect()

    def _hear(self, text: str) -> None:
        self.messages += 1
        message = wire.read_message(text)
        if message.id:
            self._cursor = message.id
        if message.type != "booking":
            return
        booking = wire.read_booking(message.data)
        heard = self.heard.setdefault(booking.id, Heard())
        heard.booking = booking
        heard.statuses.append(booking.status)
        if not heard.first_at and booking.status in DECIDED:
            heard.first_at = time.perf_counter()
        news = self._waiting.get(booking.id)
        if news is not None and not news.done():
            news.set_result(None)
