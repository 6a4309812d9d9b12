"""Which pages of other origins may call the API from a browser."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from aiohttp import web

METHODS: Final = "GET, POST, PUT, PATCH, DELETE"
REQUEST_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id, traceparent"
ANSWER_HEADERS: Final = "Location, ETag, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, traceparent"


class Cors:
    """Tokens travel in a header and never in a cookie, so credentials are not allowed and `*` gives nothing away."""

    def __init__(self, origins: Collection[str]) -> None:
        self._origins, self._any = frozenset(origins), "*" in origins

    def preflight(self, request: web.Request) -> web.Response | None:
        """The answer to a browser's question before a request; None when this is not one, or not from a friend."""
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
            return None
        if not self._allows(request.headers.get("Origin", "")):
            return None
        headers = {
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": REQUEST_HEADERS,
            "Access-Control-Max-Age": "600",
        }
        return web.Response(status=204, headers=headers)

    def add_to(self, request: web.Request, response: web.StreamResponse) -> None:
        if not self._origins:
            return
        response.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin", "")
        if self._allows(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = ANSWER_HEADERS

    def _allows(self, origin: str) -> bool:
        return bool(origin) and (self._any or origin in self._origins)
