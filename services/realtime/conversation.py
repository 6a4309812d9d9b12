"""What a signed-in socket and this process say to one another."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import msgspec
from aiohttp import ClientConnectionResetError, WSMsgType, web

from services.kit.clock import utc_now
from services.kit.errors import Invalid, Kind, NotNow, Told
from services.kit.tokens import LEEWAY_S, Identity, TokenExpired, TokenVerifier
from services.realtime import metrics
from services.realtime.connection import Connection, Ending
from services.realtime.reception import Reception
from services.realtime.told import trace_sent

# Messages that a client may send: at once, and a second.
BURST: Final = 40
PER_SECOND: Final = 10.0
CLOSING_S: Final = 2.0

BAD_TOKEN: Final = 4401
BAD_MESSAGE: Final = Ending(4400, "protocol-error")
TOO_MANY_MESSAGES: Final = Ending(4429, "too-many-messages")
GONE: Final = Ending(1000, "gone")


class Ask(msgspec.Struct, forbid_unknown_fields=False):
    """What a client may send; which of the fields count depends on the type."""

    type: str
    room: str = ""
    token: str = ""
    cursor: str = ""


class Ended(Exception):
    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


class Conversation:
    """One signed-in socket: a task reads, a task writes, and the first that ends ends both."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        connection: Connection,
        reception: Reception,
        verifier: TokenVerifier,
        identity: Identity,
    ) -> None:
        self._socket, self._connection, self._reception = socket, connection, reception
        self._verifier, self._identity = verifier, identity
        self._allowed, self._counted_at = float(BURST), time.monotonic()
        self._expiry: asyncio.TimerHandle | None = None

    async def run(self) -> Ending:
        self._expire()
        ended = self._connection.ended
        tasks = [
            asyncio.create_task(self._read(), name="socket-reads"),
            asyncio.create_task(self._write(), name="socket-writes"),
        ]
        try:
            waits: list[asyncio.Task[None] | asyncio.Future[Ending]] = [*tasks, ended]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._expiry is not None:
                self._expiry.cancel()
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        ending = ended.result() if ended.done() else GONE
        if ending.reason == TokenExpired.reason:
            await send_last(self._socket, error_text(TokenExpired()))
        return ending

    async def _write(self) -> None:
        try:
            while True:
                texts = await self._connection.next_texts()
                for text in texts:
                    await self._socket.send_frame(text, WSMsgType.TEXT)
                    trace_sent(text)
                metrics.SENT.inc(len(texts))
        except ClientConnectionResetError:
            return

    async def _read(self) -> None:
        async for message in self._socket:
            ask = ask_in(message.type, message.data)
            self._count()
            try:
                await self._answer(ask)
            except (Invalid, NotNow) as told:
                self._connection.push(error_text(told))
            except Told as told:
                if told.kind is Kind.UNAUTHENTICATED:
                    raise
                self._connection.push(error_text(told))

    async def _answer(self, ask: Ask) -> None:
        match ask.type:
            case "ping":
                self._connection.push(b'{"type":"pong"}')
            case "join":
                await self._reception.join(self._connection, ask.room)
            case "leave":
                self._reception.leave(self._connection, ask.room)
            case "auth":
                await self._renew(ask.token)
            case _:
                raise Invalid("type: must be auth, join, leave or ping")

    async def _renew(self, token: str) -> None:
        """A fresh token of the same user keeps the socket open for longer."""
        identity = await self._verifier.verify(token)
        if identity.user_id != self._identity.user_id:  # A guest who signs in comes back with a new socket.
            raise Ended(BAD_MESSAGE)
        self._identity = identity
        self._expire()

    def _expire(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        left_s = max(0.0, self._identity.expires_at + LEEWAY_S - utc_now().timestamp())
        ending = Ending(BAD_TOKEN, TokenExpired.reason)
        self._expiry = asyncio.get_running_loop().call_later(left_s, self._connection.end, ending)

    def _count(self) -> None:
        now = time.monotonic()
        self._allowed = min(BURST, self._allowed + (now - self._counted_at) * PER_SECOND) - 1
        self._counted_at = now
        if self._allowed < 0:
            raise Ended(TOO_MANY_MESSAGES)


def ask_in(kind: WSMsgType, text: object) -> Ask:
    if kind is not WSMsgType.TEXT or not isinstance(text, str):
        raise Ended(BAD_MESSAGE)
    try:
        return msgspec.json.decode(text, type=Ask)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise Ended(BAD_MESSAGE) from error


def error_text(told: Told) -> bytes:
    return msgspec.json.encode({"type": "error", "reason": told.reason, "message": str(told)})


async def send_last(socket: web.WebSocketResponse, text: bytes) -> None:
    """Some last words, if they still get through."""
    try:
        async with asyncio.timeout(CLOSING_S):
            await socket.send_frame(text, WSMsgType.TEXT)
    except (ClientConnectionResetError, TimeoutError):
        return
