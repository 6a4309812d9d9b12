"""The HTTP side: routes of the pages, and the headers that keep hostile mails harmless."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

from aiohttp import web

from services.local.mailbox import pages
from services.local.mailbox.api import api_routes, opened_letter
from services.local.mailbox.shelf import Shelf

PER_PAGE: Final = 50
LAST_PAGE: Final = 10_000

OWN_PAGE: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-src 'self'"
FOREIGN_HTML: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
FOREIGN_FILE: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@asynccontextmanager
async def showing(shelf: Shelf, *, host: str, port: int) -> AsyncIterator[None]:
    app = web.Application()
    app.add_routes([*api_routes(shelf), *_page_routes(shelf)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


def _page_routes(shelf: Shelf) -> list[web.RouteDef]:
    async def inbox(request: web.Request) -> web.Response:
        words, page = request.query.get("to", "").strip(), _page_of(request)
        found = shelf.search(words, skip=page * PER_PAGE, limit=PER_PAGE + 1)
        more = len(found) > PER_PAGE
        return _html(pages.inbox(found[:PER_PAGE], words=words, page=page, more=more), OWN_PAGE)

    async def message(request: web.Request) -> web.Response:
        return _html(pages.message(*opened_letter(shelf, request)), OWN_PAGE)

    async def html_body(request: web.Request) -> web.Response:
        return _html(pages.html_body(*opened_letter(shelf, request)), FOREIGN_HTML)

    async def part(request: web.Request) -> web.Response:
        _, opened = opened_letter(shelf, request)
        found = opened.part(int(request.match_info["number"]))
        if found is None:
            raise web.HTTPNotFound(text="no such part")
        known = found.content_type in pages.IMAGES
        headers = _guards(FOREIGN_FILE)
        name = quote(found.name or "attachment", safe="")
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
        return web.Response(
            body=found.content,
            content_type=found.content_type if known else "application/octet-stream",
            headers=headers,
        )

    return [
        web.get("/", inbox),
        web.get("/messages/{id}", message),
        web.get("/messages/{id}/html", html_body),
        web.get(r"/messages/{id}/parts/{number:\d{1,6}}", part),
    ]


def _page_of(request: web.Request) -> int:
    written = request.query.get("page", "0")
    return min(int(written[:9]), LAST_PAGE) if written.isascii() and written.isdigit() else 0


def _html(text: str, policy: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", headers=_guards(policy))


def _guards(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
