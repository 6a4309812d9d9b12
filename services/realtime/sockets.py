"""The WebSocket at `/ws`: who it is, what it asks, and everything that waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import msgspec
from aiohttp import WSMsgType, web

from services.kit.errors import Kind, Told
from services.kit.tokens import Identity, TokenVerifier
from services.realtime import metrics
from services.realtime.connection import Connection, Ending
from services.realtime.conversation import (
    BAD_MESSAGE,
    BAD_TOKEN,
    CLOSING_S,
    GONE,
    Ask,
    Conversation,
    Ended,
    ask_in,
    error_text,
    send_last,
)
from services.realtime.domain import GUEST, Cursor, TooManyGuests, parsed_cursor
from services.realtime.hub import Hub
from services.realtime.reception import Reception
from services.realtime.settings import RealtimeSettings

PROTOCOL: Final = "ticketing.v1"
BEARER: Final = "bearer."
MAX_MESSAGE_BYTES: Final = 4096
AUTH_S: Final = 5.0
HEARTBEAT_S: Final = 20.0
# A guest's page asks anew after this, as a signed-in one does when its token expires.
GUEST_LASTS_S: Final = 6 * 3600.0

NO_AUTH: Final = Ending(4408, "no-auth")
_CODES: Final = {Kind.UNAUTHENTICATED: BAD_TOKEN, Kind.LATER: 1013, Kind.EXHAUSTED: 4429}


@dataclass(frozen=True, slots=True)
class SignIn:
    identity: Identity
    cursor: Cursor | None


class Sockets:
    """The handler of `/ws`."""

    def __init__(
        self,
        settings: RealtimeSettings,
        hub: Hub,
        reception: Reception,
        verifier: TokenVerifier,
        random: Callable[[], float],
    ) -> None:
        self._settings, self._hub, self._reception, self._verifier = settings, hub, reception, verifier
        self._random = random
        self._open = 0
        self._draining = False

    async def open(self, request: web.Request) -> web.StreamResponse:
        self._admit(request)
        socket = web.WebSocketResponse(
            protocols=(PROTOCOL,),
            heartbeat=HEARTBEAT_S,
            max_msg_size=MAX_MESSAGE_BYTES,
            compress=False,
            timeout=CLOSING_S,
        )
        self._open += 1
        try:
            await socket.prepare(request)
            await self._serve(request, socket)
        finally:
            self._open -= 1
        return socket

    def drain(self) -> None:
        """No new sockets; those that are open are asked to go, spread over the time there is."""
        self._draining = True
        self._hub.leave_all(within_s=self._settings.drain_s, random=self._random)

    async def shutdown(self, _: web.Application) -> None:
        self._draining = True
        self._hub.leave_all(within_s=0, random=self._random)

    def _admit(self, request: web.Request) -> None:
        """Raises an HTTP answer for what never becomes a socket."""
        if request.query.keys() & {"token", "access_token"}:
            raise _refused(web.HTTPBadRequest, "token-in-url", "the token must not be in the URL")
        if self._settings.origins and request.headers.get("Origin") not in self._settings.origins:
            raise _refused(web.HTTPForbidden, "origin", "this origin may not open sockets")
        offered = _offered(request)
        if offered and PROTOCOL not in offered:
            # Answered here: aiohttp would log what was offered, and that may be a token.
            raise _refused(web.HTTPBadRequest, "subprotocol", f"offer the subprotocol {PROTOCOL}")
        if self._draining or self._open >= self._settings.max_sockets:
            raise _refused(web.HTTPServiceUnavailable, "full", "no more sockets here", {"Retry-After": "1"})

    async def _serve(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        try:
            signed_in = await self._sign_in(request, socket)
            ending = await self._converse(socket, signed_in)
        except Ended as ended:
            ending = ended.ending
        except Told as told:
            await send_last(socket, error_text(told))
            ending = Ending(_CODES.get(told.kind, BAD_MESSAGE.code), told.reason)
        # Not drained: whoever is slow does not get to keep us.
        await socket.close(code=ending.code, message=ending.reason.encode(), drain=False)
        if ending is not GONE:
            metrics.ENDED.labels(str(ending.code)).inc()
            if request.transport is not None:
                # A browser that takes nothing would keep what waits for it, and the connection, for ever.
                request.transport.abort()

    async def _sign_in(self, request: web.Request, socket: web.WebSocketResponse) -> SignIn:
        cursor = request.query.get("cursor", "")
        token = next((one.removeprefix(BEARER) for one in _offered(request) if one.startswith(BEARER)), "")
        if not token:
            ask = await _first_message(socket)
            if ask.type == "guest":
                return self._guest()
            token, cursor = ask.token or self._cookie(request), ask.cursor
        identity = await self._verifier.verify(token)
        return SignIn(identity, parsed_cursor(cursor) if cursor else None)

    def _guest(self) -> SignIn:
        if self._hub.guests >= self._settings.max_guests:
            raise TooManyGuests
        return SignIn(Identity(GUEST, frozenset(), time.time() + GUEST_LASTS_S), None)

    def _cookie(self, request: web.Request) -> str:
        """The token a page's cookie holds, if the page is ours: any page may open a socket, but not as its visitor."""
        origin = request.headers.get("Origin", "")
        if origin in self._settings.origins or _host(origin) == request.url.host:
            return request.cookies.get(self._settings.token_cookie, "")
        return ""

    async def _converse(self, socket: web.WebSocketResponse, signed_in: SignIn) -> Ending:
        connection = Connection(signed_in.identity.user_id)
        try:
            await self._reception.welcome(connection, signed_in.cursor)
            metrics.OPENED.inc()
            talk = Conversation(socket, connection, self._reception, self._verifier, signed_in.identity)
            return await talk.run()
        finally:
            self._reception.goodbye(connection)


def _host(origin: str) -> str | None:
    """Null for `null`, for none, and for what is no origin."""
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None


async def _first_message(socket: web.WebSocketResponse) -> Ask:
    try:
        async with asyncio.timeout(AUTH_S):
            message = await socket.receive()
    except TimeoutError as error:
        raise Ended(NO_AUTH) from error
    if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
        raise Ended(GONE)
    ask = ask_in(message.type, message.data)
    if ask.type not in ("auth", "guest"):
        raise Ended(BAD_MESSAGE)
    return ask


def _offered(request: web.Request) -> list[str]:
    return [name.strip() for line in request.headers.getall("Sec-WebSocket-Protocol", ()) for name in line.split(",")]


def _refused(
    answer: type[web.HTTPException], reason: str, sentence: str, headers: dict[str, str] | None = None
) -> web.HTTPException:
    metrics.REFUSED.labels(reason).inc()
    text = msgspec.json.encode({"title": sentence, "status": answer.status_code, "reason": reason}).decode()
    return answer(text=text, content_type="application/problem+json", headers=headers)
