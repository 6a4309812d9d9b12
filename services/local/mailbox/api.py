"""The JSON API, for tests that wait for a mail."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from services.local.mailbox.letter import Letter, Opened, open_letter
from services.local.mailbox.shelf import Shelf

LARGEST_PAGE: Final = 1000


def api_routes(shelf: Shelf) -> list[web.RouteDef]:
    async def messages(request: web.Request) -> web.Response:
        to, limit = request.query.get("to"), limit_of(request)
        if "repeated" in request.query:
            letters = shelf.repeated(limit=limit)
        elif "after" in request.query:
            letters = shelf.after(request.query["after"], to=to, limit=limit)
        else:
            letters = shelf.newest(to=to, limit=limit)
        return web.json_response([_summary(letter) for letter in letters])

    async def message(request: web.Request) -> web.Response:
        letter, opened = opened_letter(shelf, request)
        return web.json_response(_summary(letter) | _contents(letter, opened))

    async def count(request: web.Request) -> web.Response:
        return web.json_response({"count": shelf.count(request.query.get("to"))})

    return [
        web.get("/api/messages", messages),
        web.get("/api/messages/{id}", message),
        web.get("/api/count", count),
    ]


def opened_letter(shelf: Shelf, request: web.Request) -> tuple[Letter, Opened]:
    letter = shelf.find(request.match_info["id"])
    if letter is None:
        raise web.HTTPNotFound(text="no such message")
    return letter, open_letter(shelf.read(letter))


def limit_of(request: web.Request) -> int:
    written = request.query.get("limit", "100")
    if not (written.isascii() and written.isdigit()):
        raise web.HTTPBadRequest(text="limit is a number")
    return min(int(written[:9]), LARGEST_PAGE)


def part_url(letter: Letter, number: int) -> str:
    return f"/messages/{letter.id}/parts/{number}"


def _summary(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "to": list(letter.to),
        "subject": letter.subject,
        "message_id": letter.message_id,
        "headers": {name: value for name, value in _own_headers(letter) if value},
        "received_at": letter.received_at.isoformat(),
        "deliveries": letter.deliveries,
    }


def _own_headers(letter: Letter) -> list[tuple[str, str | None]]:
    return [("X-Booking-Id", letter.booking_id), ("X-Mail-Kind", letter.kind)]


def _contents(letter: Letter, opened: Opened) -> dict[str, Any]:
    return {
        "all_headers": [list(header) for header in opened.headers],
        "text": opened.text and opened.text.text,
        "html": opened.html and opened.html.text,
        "attachments": [
            {
                "name": part.name,
                "content_type": part.content_type,
                "size": len(part.content),
                "url": part_url(letter, part.number),
            }
            for part in opened.attachments
        ],
    }
