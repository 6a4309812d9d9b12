"""The sandbox's pages: the bank's 3-D Secure page, the browser's part of paying later, and what the PSP says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from services.kit.errors import Invalid
from services.payment.psp.buyer import SandboxBuyers
from services.payment.psp.intents import CANCELED, NEEDS_ACTION, NEEDS_CARD, SUCCEEDED, SandboxIntent, SandboxRefund
from services.payment.routes.challenge_page import challenge_page

MAX_PAGE: Final = 1000
WARNING: Final = "sandbox: no money moves"
_STATUSES: Final = ("", NEEDS_CARD, NEEDS_ACTION, SUCCEEDED, CANCELED)
_OUTCOMES: Final = {"approve": True, "fail": False}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Cache-Control": "no-store",
}


class _Confirmation(msgspec.Struct):
    client_secret: str
    payment_method: str


class _Answer(msgspec.Struct):
    outcome: str


class SandboxRoutes:
    def __init__(self, buyers: SandboxBuyers, *, public_url: str) -> None:
        self._buyers, self._public_url = buyers, public_url.rstrip("/")

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/sandbox/challenge/{intent}", self._challenge)
        app.router.add_post("/sandbox/challenge/{intent}", self._answer)
        app.router.add_post("/sandbox/intents/{intent}/confirm", self._confirm)
        app.router.add_get("/sandbox/intents", self._intents)
        app.router.add_get("/sandbox/intents/{intent}", self._intent)
        app.router.add_get("/sandbox/refunds", self._refunds)

    async def _challenge(self, request: web.Request) -> web.Response:
        intent = await self._buyers.intent(request.match_info["intent"])
        return web.Response(text=challenge_page(intent), content_type="text/html", headers=_HEADERS)

    async def _answer(self, request: web.Request) -> web.Response:
        is_json = request.content_type == "application/json"
        outcome = (_decoded(await request.read(), _Answer)).outcome if is_json else await _form_outcome(request)
        if outcome not in _OUTCOMES:
            raise Invalid("outcome: must be `approve` or `fail`")
        intent = await self._buyers.challenge(request.match_info["intent"], approved=_OUTCOMES[outcome])
        if is_json:
            return web.json_response(self._told(intent))
        return web.Response(text=challenge_page(intent), content_type="text/html", headers=_HEADERS)

    async def _confirm(self, request: web.Request) -> web.Response:
        asked = _decoded(await request.read(), _Confirmation)
        ref = request.match_info["intent"]
        intent = await self._buyers.confirm(ref, asked.client_secret, asked.payment_method)
        return web.json_response(self._told(intent))

    async def _intent(self, request: web.Request) -> web.Response:
        return web.json_response(self._told(await self._buyers.intent(request.match_info["intent"])))

    async def _intents(self, request: web.Request) -> web.Response:
        limit, after = _page_of(request)
        status = request.query.get("status", "")
        if status not in _STATUSES:
            raise Invalid(f"status: must be one of {', '.join(_STATUSES[1:])}")
        found = await self._buyers.page(limit=limit + 1, after=after, status=status)
        return _list([self._told(one) for one in found], limit)

    async def _refunds(self, request: web.Request) -> web.Response:
        limit, after = _page_of(request)
        found = await self._buyers.refund_page(limit=limit + 1, after=after)
        return _list([_refund(one) for one in found], limit)

    def _told(self, intent: SandboxIntent) -> dict[str, object]:
        """As Stripe tells it, without the secret."""
        waits = intent.status == NEEDS_ACTION
        return {
            "id": intent.intent_id,
            "object": "payment_intent",
            "amount": intent.amount_minor,
            "currency": intent.currency,
            "status": intent.status,
            "amount_refunded": intent.refunded_minor,
            "failure": intent.failure or None,
            "next_action_url": f"{self._public_url}/sandbox/challenge/{intent.intent_id}" if waits else None,
            "metadata": {"payment_id": intent.payment_id, "booking_id": intent.booking_id},
            "warning": WARNING,
        }


def _refund(refund: SandboxRefund) -> dict[str, object]:
    return {
        "id": refund.refund_id,
        "object": "refund",
        "amount": refund.amount_minor,
        "payment_intent": refund.intent_id,
        "status": "succeeded",
    }


def _list(rows: list[dict[str, object]], limit: int) -> web.Response:
    page = rows[:limit]
    more = len(rows) > limit
    after = page[-1]["id"] if more else ""
    return web.json_response({"object": "list", "data": page, "has_more": more, "after": after, "warning": WARNING})


def _page_of(request: web.Request) -> tuple[int, str]:
    limit, after = request.query.get("limit", "100"), request.query.get("after", "")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and 0 < int(limit) <= MAX_PAGE):
        raise Invalid(f"limit: must be 1 to {MAX_PAGE}")
    if len(after) > 100 or not (after.isascii() and (after.isprintable())):
        raise Invalid("after: must be an id that this list gave out")
    return int(limit), after


async def _form_outcome(request: web.Request) -> str:
    form: Mapping[str, Any] = await request.post()
    return str(form.get("outcome", ""))


def _decoded[T](body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as malformed:
        # Without what was sent: it may be a card number.
        raise Invalid("body: must be JSON with the fields of this page") from malformed
