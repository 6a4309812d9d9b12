"""What describes the API: /, /openapi.json, /docs, /problems. Made once, at start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import msgspec
from aiohttp import web

from services.gateway.edge.html import page
from services.gateway.edge.openapi import TITLE, document
from services.gateway.edge.operation import AnyOperation
from services.gateway.edge.reference import problem, problem_index, reference

LINKS: Final = {"docs": "/docs", "openapi": "/openapi.json", "problems": "/problems", "health": "/health"}
_REASON: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")


def add_pages(app: web.Application, operations: Sequence[AnyOperation], *, tags: Mapping[str, str]) -> None:
    described = document(operations, tags=tags)
    encoded = msgspec.json.encode(described)
    docs = reference(operations, described)

    async def openapi(_: web.Request) -> web.Response:
        headers = {"Cache-Control": "public, max-age=60", "Access-Control-Allow-Origin": "*"}
        return web.Response(body=encoded, content_type="application/json", headers=headers)

    async def read(_: web.Request) -> web.Response:
        return page(f"{TITLE}: the API", docs)

    app.router.add_get("/", _root)
    app.router.add_get("/openapi.json", openapi)
    app.router.add_get("/docs", read)
    app.router.add_get("/problems", _problems)
    app.router.add_get("/problems/{reason}", _problem)


async def _root(request: web.Request) -> web.Response:
    """Where to go from here, for people and for programs."""
    if "text/html" not in request.headers.get("Accept", ""):
        return web.json_response({"name": TITLE, "links": LINKS})
    links = "".join(f'<li><a href="{path}">{escape(name)}</a></li>' for name, path in LINKS.items())
    return page(TITLE, f"<h1>{TITLE}</h1><p>The API begins at <code>/api/v1</code>.</p><ul>{links}</ul>")


async def _problems(_: web.Request) -> web.Response:
    return page("Problems", problem_index())


async def _problem(request: web.Request) -> web.Response:
    reason = request.match_info["reason"]
    if not _REASON.fullmatch(reason):
        raise web.HTTPNotFound
    return page(f"Problem: {reason}", problem(reason))
