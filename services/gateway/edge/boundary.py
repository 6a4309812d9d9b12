"""Around every request: its time, trace, headers and metrics; whatever goes wrong inside leaves as a problem."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Final

import structlog
from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler, Middleware

from services.gateway.edge import problems
from services.gateway.edge.cors import Cors
from services.gateway.edge.dispatch import ALLOWANCE, READING, TRACEPARENT
from services.gateway.edge.problems import Wrong
from services.kit import metrics, tracing
from services.kit.errors import NotNow, Told
from services.kit.ids import new_id
from services.kit.rpc import deadline

log = structlog.get_logger()
SECURITY: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Strict-Transport-Security": "max-age=31536000",
}
# An answer that is not a page runs and shows nothing, wherever it is opened.
NO_PAGE: Final = "default-src 'none'; frame-ancestors 'none'"
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class TimedOut(NotNow):
    reason = "timed-out"

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"no answer within {limit_s:g} s")


def boundary(*, timeout_s: float, cors: Cors) -> Middleware:
    """The one middleware of the API."""

    @web.middleware
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        route = _route(request)
        method = request.method if request.method in _METHODS else "other"
        about = {"http.request.method": method, "http.route": route, "url.scheme": request.scheme}
        with tracing.edge(f"{method} {route}", request.headers.get("traceparent", ""), about) as around_it:
            request[TRACEPARENT] = tracing.traceparent()
            response = cors.preflight(request) or await _answered(request, handler, timeout_s)
            _add_headers(request, response, cors)
            around_it.set("http.response.status_code", response.status)
            if response.status >= 500:
                around_it.failed(str(response.status))
            metrics.http_handled(method, route, response.status, time.perf_counter() - began)
            log.debug("request_answered", method=method, route=route, status=response.status)
        return response

    return around


async def _answered(request: web.Request, handler: Handler, timeout_s: float) -> web.StreamResponse:
    path = request.path
    try:
        async with asyncio.timeout(timeout_s) as limit:
            deadline.begin(timeout_s)
            return await handler(request)
    except Told as told:
        return problems.of_told(told, path)
    except Wrong as wrong:
        return problems.of_wrong(wrong, path)
    except web.HTTPException as error:
        return _of_http(error, path)
    except TimeoutError as error:
        if limit.expired() and request.get(READING):
            slow = Wrong(408, "request-timeout", f"the body did not arrive within {timeout_s:g} s")
            return problems.of_wrong(slow, path)
        if limit.expired():
            return problems.of_told(TimedOut(timeout_s), path)
        return _fault(request, error)
    except Exception as error:  # noqa: BLE001 - the top of the request: a fault is logged once and kept inside
        return _fault(request, error)


def _fault(request: web.Request, error: Exception) -> web.Response:
    log.error("request_failed", route=_route(request), exc_info=error)
    return problems.answer(500, "internal-error", "something is broken on our side", request.path)


def unreadable(status: int, detail: str, path: str = "") -> web.Response:
    """What aiohttp turned away before it came here: there is no trace, and in most cases no path."""
    response = problems.answer(status, "bad-request", detail, path)
    response.headers.update(SECURITY)
    response.headers["Content-Security-Policy"] = NO_PAGE
    return response


async def expect(request: web.Request) -> web.StreamResponse | None:
    """A client asks before it sends its body. aiohttp calls it before the boundary, with its own words for a no."""
    if request.version < HttpVersion11:
        return None
    if request.headers["Expect"].lower() != "100-continue":
        return unreadable(417, "Expect: only 100-continue is known", request.path)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # It is not part of the answer.
    request.writer.output_size = 0
    return None


def _of_http(error: web.HTTPException, path: str) -> web.StreamResponse:
    """What aiohttp itself refuses."""
    match error:
        case web.HTTPMethodNotAllowed():
            allow = {"Allow": ", ".join(sorted(error.allowed_methods))}
            detail = f"{error.method} is not allowed here"
            return problems.answer(405, "method-not-allowed", detail, path, headers=allow)
        case web.HTTPNotFound():
            return problems.answer(404, "unknown-path", "nothing is served under this path", path)
        case web.HTTPRequestEntityTooLarge():
            return problems.answer(413, "body-too-large", "the body is over the limit", path)
    if error.status < 400:
        return error
    return problems.answer(error.status, "bad-request", error.reason, path)


def _add_headers(request: web.Request, response: web.StreamResponse, cors: Cors) -> None:
    headers = response.headers
    headers.update(SECURITY)
    if "Content-Security-Policy" not in headers:
        headers["Content-Security-Policy"] = NO_PAGE
    asked = request.headers.get("X-Request-Id", "")
    headers["X-Request-Id"] = asked if _REQUEST_ID.fullmatch(asked) else tracing.current_trace_id() or new_id()
    if parent := request[TRACEPARENT]:
        headers["traceparent"] = parent
    allowance = request.get(ALLOWANCE)
    if allowance is not None and "RateLimit" not in headers:
        headers.update(allowance.headers)
    cors.add_to(request, response)


def _route(request: web.Request) -> str:
    """The path as the table has it: what was asked for has no bound."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"
