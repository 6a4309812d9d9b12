"""The public API, the sockets, the mailbox and the PSP's list as one small server, over a box office in memory."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web

from tests.twins.box_office import PRICE, BoxOffice, House, Sold, Wrong

PAGE = 100


class PublicApiTwin:
    def __init__(self, house: House, wrong: Wrong | None = None) -> None:
        self.office = BoxOffice(house, wrong)
        self._house = house
        self._sockets: dict[str, set[web.WebSocketResponse]] = defaultdict(set)
        # User → (cursor, text): what was said so far.
        self._inbox: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._cursors = itertools.count(1)
        self._orders: asyncio.Queue[Sold] = asyncio.Queue()
        self._root = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Its address."""
        app = web.Application()
        app.add_routes(self._routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        worker = asyncio.create_task(self._work(), name="box-office")
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            self._root = f"http://{host}:{port}"
            yield self._root
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
            await runner.cleanup()

    def _routes(self) -> list[web.RouteDef]:
        api = "/api/v1"
        return [
            web.post(f"{api}/auth/register", self._register),
            web.post(f"{api}/events", self._created),
            web.post(f"{api}/events/{{id}}/publish", self._created),
            web.get(f"{api}/events", self._events),
            web.get(f"{api}/events/{{id}}", self._event),
            web.get(f"{api}/events/{{id}}/seats", self._seats),
            web.post(f"{api}/bookings", self._place),
            web.get(f"{api}/bookings", self._list),
            web.get(f"{api}/bookings/{{id}}", self._look_up),
            web.post(f"{api}/bookings/{{id}}/cancel", self._cancel),
            web.get("/ws", self._socket),
            web.get("/api/messages", self._mails),
            web.get("/sandbox/intents", self._intents),
            web.post("/sandbox/challenge/{id}", self._challenge),
        ]

    async def _register(self, request: web.Request) -> web.Response:
        user_id = (await request.json())["email"].partition("@")[0]
        tokens = {"access_token": f"token-of-{user_id}", "refresh_token": "r", "token_type": "Bearer"}
        return web.json_response({"account": {"id": user_id}, "tokens": tokens}, status=201)

    async def _created(self, request: web.Request) -> web.Response:
        return web.json_response(self._described(), status=201)

    async def _events(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [{"id": self._house.event_id, "sections": []}], "next_cursor": None})

    async def _event(self, request: web.Request) -> web.Response:
        return web.json_response(self._described())

    def _described(self) -> dict[str, Any]:
        seated = [
            {"id": name, "kind": "seated", "capacity": len(seats), "rows": [{"label": "1", "seats": len(seats)}]}
            for name, seats in self._house.seated.items()
        ]
        standing = [
            {"id": name, "kind": "standing", "capacity": capacity, "rows": []}
            for name, capacity in self._house.standing.items()
        ]
        return {
            "id": self._house.event_id,
            "title": "An evening",
            "max_per_booking": 8,
            "sections": seated + standing,
        }

    async def _seats(self, request: web.Request) -> web.Response:
        only = request.query.get("section", "")
        sections = [section for section in self._counted() if only in ("", section["id"])]
        return web.json_response({"event_id": self._house.event_id, "version": 1, "sections": sections})

    def _counted(self) -> list[dict[str, Any]]:
        sections = []
        for name, seats in self._house.seated.items():
            states = [{"id": seat, "state": self.office.state_of(seat)} for seat in seats]
            held, sold = (sum(seat["state"] == state for seat in states) for state in ("held", "sold"))
            sections.append(_section(name, len(seats), held, sold) | {"seats": states})
        for name, capacity in self._house.standing.items():
            sections.append(_section(name, capacity, *self.office.standing(name)) | {"seats": []})
        return sections

    async def _place(self, request: web.Request) -> web.Response:
        booking, is_new = self.office.order(_who(request), request.headers["Idempotency-Key"], await request.json())
        if is_new:
            self._orders.put_nowait(booking)
        return web.json_response({"booking": _told(booking), "links": {}}, status=202)

    async def _list(self, request: web.Request) -> web.Response:
        mine = [_told(one) for one in self.office.bookings.values() if one.user_id == _who(request)]
        decided = [booking for booking in mine if booking["status"] != "queued"]
        return web.json_response({"items": decided[::-1], "next_cursor": None})

    async def _look_up(self, request: web.Request) -> web.Response:
        return web.json_response(_told(self.office.bookings[request.match_info["id"]]))

    async def _cancel(self, request: web.Request) -> web.Response:
        booking = self.office.bookings[request.match_info["id"]]
        self.office.cancel(booking)
        await self._tell(booking)
        return web.json_response(_told(booking))

    async def _work(self) -> None:
        while True:
            booking = await self._orders.get()
            if self.office.decide(booking):
                await self._tell(booking)

    async def _tell(self, booking: Sold) -> None:
        told = _told(booking)
        if self.office.told_otherwise(booking):
            told |= {"status": "rejected", "reason": "seat-taken", "tickets": []}
        if booking.status == "awaiting_payment":
            page = f"{self._root}/sandbox/challenge/{self.office.charge_of(booking)}"
            told["next_action"] = {"type": "redirect", "url": page, "client_secret": ""}
        cursor = f"1-{next(self._cursors)}"
        text = json.dumps({"id": cursor, "type": "booking", "data": told})
        self._inbox[booking.user_id].append((cursor, text))
        for socket in list(self._sockets[booking.user_id]):
            await socket.send_str(text)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("ticketing.v1",))
        await socket.prepare(request)
        offered = [word.strip() for word in request.headers["Sec-WebSocket-Protocol"].split(",")]
        user_id = offered[1].removeprefix("bearer.token-of-")
        inbox, cursor = self._inbox[user_id], request.query.get("cursor")
        newest = inbox[-1][0] if inbox else "1-0"
        await socket.send_str(json.dumps({"type": "ready", "data": {"cursor": cursor or newest}}))
        for _, text in [one for one in inbox if cursor and _order(one[0]) > _order(cursor)]:
            await socket.send_str(text)
        self._sockets[user_id].add(socket)
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
        finally:
            self._sockets[user_id].discard(socket)
        return socket

    async def _mails(self, request: web.Request) -> web.Response:
        start = int(request.query.get("after") or 0) if "after" in request.query else 0
        letters = [
            {
                "id": str(number),
                "message_id": f"<{number}.{booking_id}>",
                "headers": {"X-Booking-Id": booking_id, "X-Mail-Kind": "tickets"},
                "deliveries": 1 + (booking_id in self.office.delivered_again),
            }
            for number, booking_id in enumerate(self.office.mails, start=1)
        ]
        if "repeated" in request.query:
            letters = [letter for letter in letters if letter["deliveries"] != 1]
        return web.json_response(letters[start : start + int(request.query["limit"])])

    async def _intents(self, request: web.Request) -> web.Response:
        after = request.query.get("after", "")
        found = [
            {
                "id": charge.id,
                "status": charge.status,
                "amount": charge.amount,
                "amount_refunded": charge.refunded,
                "metadata": {"booking_id": charge.booking_id},
            }
            for charge in sorted(self.office.charges, key=lambda charge: charge.id)
            if charge.id > after
        ]
        limit = int(request.query["limit"])
        return web.json_response({"data": found[:limit], "has_more": len(found) > limit})

    async def _challenge(self, request: web.Request) -> web.Response:
        approved = (await request.post())["outcome"] == "approve"
        await self._tell(self.office.answer_bank(request.match_info["id"], approved=approved))
        return web.Response(text="Approved." if approved else "Refused.")


def _who(request: web.Request) -> str:
    return request.headers["Authorization"].removeprefix("Bearer token-of-")


def _order(cursor: str) -> tuple[int, ...]:
    return tuple(map(int, cursor.split("-")))


def _section(name: str, capacity: int, held: int, sold: int) -> dict[str, Any]:
    return {"id": name, "capacity": capacity, "free": capacity - held - sold, "held": held, "sold": sold}


def _told(booking: Sold) -> dict[str, Any]:
    waits = booking.status == "awaiting_payment"
    held = [_place(*place) for place in booking.places] if waits or booking.status == "confirmed" else []
    places = [] if waits else held
    return {
        "id": booking.booking_id,
        "event_id": booking.event_id,
        "status": booking.status,
        "reason": booking.reason or None,
        "total": {"amount": PRICE * len(places), "currency": "EUR"} if places else None,
        "places": held,
        "tickets": [{"place": place} for place in places],
    }


def _place(section_id: str, seat_id: str) -> dict[str, str | None]:
    return {"section_id": section_id, "seat_id": seat_id or None}
