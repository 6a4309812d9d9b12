"""The one place where our words meet HTTP's: what a caller is told when a request was not done."""

from __future__ import annotations

import math
import re
from typing import Final

import msgspec
from aiohttp import web

from services.gateway.edge.limits import OverLimit
from services.gateway.edge.reasons import EXPLAINED, Explanation
from services.gateway.models.common import Problem
from services.kit.errors import Kind, Told

STATUS: Final = {
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.MISSING: 404,
    Kind.CONFLICT: 409,
    Kind.EXHAUSTED: 429,
    Kind.LATER: 503,
}
CONTENT_TYPE: Final = "application/problem+json"
# msgspec ends its message with the path of the field at fault.
_AT: Final = re.compile(r"(?s)(.*) - at `(\$[^`]*)`")
_ENCODE: Final = msgspec.json.Encoder().encode


class Wrong(Exception):
    """A request that is not even one of ours: the form is wrong, not what it asks."""

    def __init__(self, status: int, reason: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.status, self.reason, self.detail, self.field = status, reason, detail, field

    @classmethod
    def value(cls, error: msgspec.ValidationError) -> Wrong:
        """A body or query that is JSON but not what the operation takes."""
        message = str(error)
        at = _AT.fullmatch(message)
        field = at[2] if at else None
        return cls(422, "invalid-argument", f"{field}: {at[1]}" if at else message, field=field)


def of_told(told: Told, path: str) -> web.Response:
    """What a service told us, passed on with its reason."""
    status = STATUS[told.kind]
    headers = {}
    if status == 401:
        error = "" if told.reason == "missing-token" else ' error="invalid_token"'
        headers["WWW-Authenticate"] = f'Bearer realm="ticketing"{"," if error else ""}{error}'
    if isinstance(told, OverLimit):
        headers |= told.allowance.headers
    return answer(status, told.reason, str(told), path, retry_after_s=told.retry_after_s, headers=headers)


def of_wrong(wrong: Wrong, path: str) -> web.Response:
    return answer(wrong.status, wrong.reason, wrong.detail, path, field=wrong.field)


def answer(
    status: int,
    reason: str,
    detail: str,
    path: str,
    *,
    retry_after_s: float | None = None,
    field: str | None = None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    problem = Problem(
        type=f"/problems/{reason}",
        title=explanation(reason).title,
        status=status,
        detail=detail[:500],
        instance=path,
        reason=reason,
        retry_after_s=None if retry_after_s is None else round(retry_after_s, 3),
        field=field,
    )
    every = {"Cache-Control": "no-store", **(headers or {})}
    if retry_after_s is not None:
        every["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
    return web.Response(status=status, body=_ENCODE(problem), content_type=CONTENT_TYPE, headers=every)


def explanation(reason: str) -> Explanation:
    """What a reason means; one that a newer peer gives is at least named."""
    known = EXPLAINED.get(reason)
    if known is not None:
        return known
    words = reason.replace("-", " ").capitalize()
    return Explanation(409, words, "The service refused the request for this reason.", "Read the detail.")
