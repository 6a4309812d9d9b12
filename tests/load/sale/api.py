"""The public API, as a buyer's or organiser's program calls it: one keep-alive session, bounded retries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp
import msgspec

from tests.load.sale import wire

API: Final = "/api/v1"
PAGE: Final = 100
LONGEST_PAUSE_S: Final = 5.0
BUSY: Final = frozenset({429, 503})
# Never answered, after all tries: a reason of ours beside those of the API.
NO_ANSWER: Final = "no-answer"
EXPIRED: Final = "token-expired"
_JSON: Final = {"Content-Type": "application/json"}
_DROPPED: Final = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError, OSError)


class Refused(Exception):
    """The API said no, and why: a stable slug."""

    def __init__(self, status: int, reason: str, detail: str = "") -> None:
        super().__init__(f"{status} {reason}: {detail}")
        self.status, self.reason = status, reason


@dataclass(slots=True)
class Member:
    """Somebody with an account and a session, which the API's client renews when a sale lasts longer than a token."""

    user_id: str
    token: str
    refresh_token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True)
class Heard:
    status: int
    body: bytes


class PublicApi:
    """A busy or silent API is asked again, with the same body and key, for a bounded time."""

    def __init__(self, http: aiohttp.ClientSession, gateway: str, *, tries: int) -> None:
        self._http, self._root, self._tries = http, gateway.rstrip("/"), tries
        self.retries = 0

    async def register(self, email: str, name: str, *, password: str, role: str = "buyer") -> Member:
        """An answer that got lost is no matter: whoever is registered already logs in."""
        who = {"email": email, "password": password}
        more = {"name": name, "role": role}
        try:
            session = await self._ask("POST", f"{API}/auth/register", wire.Session, body=who | more)
        except Refused as refused:
            if refused.reason != "email-taken":
                raise
            session = await self._ask("POST", f"{API}/auth/login", wire.Session, body=who)
        return Member(session.account.id, session.tokens.access_token, session.tokens.refresh_token)

    async def events(self) -> Sequence[str]:
        """Ids of what is on sale; the first page is enough for a sale."""
        page = await self._ask("GET", f"{API}/events?limit={PAGE}", wire.Events)
        return [event.id for event in page.items]

    async def event(self, event_id: str) -> wire.Event:
        return await self._ask("GET", f"{API}/events/{event_id}", wire.Event)

    async def create_event(self, organiser: Member, draft: object) -> str:
        return (await self._ask("POST", f"{API}/events", wire.Event, body=draft, who=organiser)).id

    async def publish(self, organiser: Member, event_id: str) -> None:
        await self._ask("POST", f"{API}/events/{event_id}/publish", wire.Event, who=organiser)

    async def seats(self, event_id: str, section_id: str = "") -> wire.Seats:
        which = f"?section={section_id}" if section_id else ""
        return await self._ask("GET", f"{API}/events/{event_id}/seats{which}", wire.Seats)

    async def place(self, buyer: Member, order: bytes, *, key: str) -> wire.Booking:
        """Refused: the door said no."""
        heard = await self._send("POST", f"{API}/bookings", _JSON | {"Idempotency-Key": key}, order, who=buyer)
        if heard.status != 202:
            raise _refused(heard)
        return wire.read_placed(heard.body).booking

    async def booking(self, buyer: Member, booking_id: str) -> wire.Booking:
        return await self._ask("GET", f"{API}/bookings/{booking_id}", wire.Booking, who=buyer)

    async def bookings(self, buyer: Member) -> Sequence[wire.Booking]:
        """All of them, newest first."""
        found: list[wire.Booking] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self._ask("GET", f"{API}/bookings?limit={PAGE}&cursor={cursor}", wire.Bookings, who=buyer)
            found += page.items
            cursor = page.next_cursor
        return found

    async def cancel(self, buyer: Member, booking_id: str) -> wire.Booking:
        return await self._ask("POST", f"{API}/bookings/{booking_id}/cancel", wire.Booking, who=buyer)

    async def pay(self, buyer: Member, booking_id: str, card: str) -> wire.Booking:
        path, body = f"{API}/bookings/{booking_id}/payment", {"payment_method": card}
        return await self._ask("POST", path, wire.Booking, body=body, who=buyer)

    async def _ask[T](
        self, method: str, path: str, shape: type[T], *, body: object = None, who: Member | None = None
    ) -> T:
        headers, sent = ({}, None) if body is None else (_JSON, msgspec.json.encode(body))
        heard = await self._send(method, path, headers, sent, who=who)
        if heard.status >= 300:
            raise _refused(heard)
        return msgspec.json.decode(heard.body, type=shape)

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, *, who: Member | None
    ) -> Heard:
        if who is None:
            return await self._tried(method, path, headers, body)
        heard = await self._tried(method, path, {**headers, **who.headers}, body)
        if heard.status == 401 and _problem(heard).reason == EXPIRED and who.refresh_token:
            await self._renew(who)
            heard = await self._tried(method, path, {**headers, **who.headers}, body)
        return heard

    async def _renew(self, member: Member) -> None:
        known = {"refresh_token": member.refresh_token}
        tokens = (await self._ask("POST", f"{API}/auth/refresh", wire.Renewed, body=known)).tokens
        member.token, member.refresh_token = tokens.access_token, tokens.refresh_token

    async def _tried(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Heard:
        for tried in range(1, self._tries + 1):
            pause_s = min(LONGEST_PAUSE_S, 0.2 * 2**tried)
            try:
                async with self._http.request(method, self._root + path, headers=headers, data=body) as answer:
                    heard = Heard(answer.status, await answer.read())
            except _DROPPED as dropped:
                if tried == self._tries:
                    raise Refused(0, NO_ANSWER, repr(dropped)) from dropped
            else:
                if heard.status not in BUSY or tried == self._tries:
                    return heard
                pause_s = min(LONGEST_PAUSE_S, max(pause_s, _problem(heard).retry_after_s or 0.0))
            self.retries += 1
            await asyncio.sleep(pause_s)
        raise AssertionError("the last try returns or raises")


def _refused(heard: Heard) -> Refused:
    problem = _problem(heard)
    return Refused(heard.status, problem.reason or f"http-{heard.status}", problem.detail)


def _problem(heard: Heard) -> wire.Problem:
    try:
        return msgspec.json.decode(heard.body, type=wire.Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return wire.Problem()
