"""Around every page: a Told answered as a problem (RFC 9457), the rest a logged fault, all of it counted."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

from services.kit import metrics
from services.kit.errors import Kind, Told

STATUS: Final = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.MISSING: 404,
    Kind.CONFLICT: 409,
    Kind.EXHAUSTED: 429,
    Kind.LATER: 503,
}
log = structlog.get_logger()

type Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def problems(request: web.Request, handler: Page) -> web.StreamResponse:
    began = time.perf_counter()
    status = 500
    try:
        response = await _answered(request, handler)
        status = response.status
    except web.HTTPException as error:
        status = error.status
        raise
    else:
        return response
    finally:
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "none"
        metrics.http_handled(request.method, route, status, time.perf_counter() - began)


async def _answered(request: web.Request, page: Page) -> web.StreamResponse:
    try:
        return await page(request)
    except Told as told:
        return _problem(STATUS[told.kind], told.reason, str(told), told.retry_after_s)
    except (web.HTTPException, ConnectionResetError):
        raise
    except Exception:
        log.exception("page_failed", path=request.path)
        return _problem(500, "internal", "internal error", None)


def _problem(status: int, reason: str, detail: str, retry_after_s: float | None) -> web.Response:
    headers = {} if retry_after_s is None else {"Retry-After": f"{max(1, round(retry_after_s))}"}
    body = {"type": "about:blank", "title": reason, "status": status, "detail": detail, "reason": reason}
    return web.json_response(body, status=status, headers=headers, content_type="application/problem+json")
