"""A server that speaks Stripe's protocol for PaymentIntents and Refunds, as far as we use it.

localstripe, which others wrote, knows no idempotency keys, no redirects for 3-D Secure, one kind of decline and fewer
parameters than we send; what it does know is tested with it as well.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

KEY = "sk_test_twin"
WEBHOOK_SECRET = "whsec_twin"
PAID = {"pm_card_visa", "pm_card_mastercard", "pm_card_amex"}
# Card → (code, decline_code), from Stripe's page on test cards.
DECLINED = {
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", None),
    "pm_card_chargeDeclinedIncorrectCvc": ("incorrect_cvc", None),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", None),
}
CHALLENGED = {"pm_card_threeDSecure2Required", "pm_card_authenticationRequired"}

type Answer = tuple[int, dict[str, Any]]


class StripeTwin:
    """State of one Stripe account, and switches for its bad days."""

    def __init__(self) -> None:
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        # A status to answer everything with; 0: a good day.
        self.outage = 0
        # Do what is asked, but never say so.
        self.mute = False
        self.requests = 0
        self._saved: dict[str, tuple[str, Answer | None]] = {}

    def refunded(self, ref: str) -> int:
        return sum(one["amount"] for one in self.refunds.values() if one["payment_intent"] == ref)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._around])
        post, get = app.router.add_post, app.router.add_get
        post("/v1/payment_intents", self._once(self._create))
        get("/v1/payment_intents", self._list)
        get("/v1/payment_intents/search", self._search)
        get("/v1/payment_intents/{id}", self._retrieve)
        post("/v1/payment_intents/{id}/cancel", self._once(self._cancel))
        post("/v1/refunds", self._once(self._refund))
        return app

    @web.middleware
    async def _around(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests += 1
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"error": {"type": "invalid_request_error", "message": "no key"}}, status=401)
        if self.outage:
            return web.json_response({"error": {"type": "api_error", "message": "a bad day"}}, status=self.outage)
        answer: web.StreamResponse = await handler(request)
        if self.mute:
            await asyncio.sleep(30)
        return answer

    def _once(self, work: Callable[[web.Request, dict[str, Any]], Answer]) -> Callable[..., Awaitable[web.Response]]:
        """Stripe's idempotency: one key, one set of parameters, one saved answer."""

        async def handler(request: web.Request) -> web.Response:
            text = await request.text()
            key, asked = request.headers["Idempotency-Key"], f"{request.path}?{text}"
            if key in self._saved:
                before, saved = self._saved[key]
                if before != asked:
                    return _json(_error(400, "idempotency_error", "Keys can only be used with the same parameters"))
                if saved is None:
                    return _json(_error(409, "invalid_request_error", "in use", code="idempotency_key_in_use"))
                return _json(saved, {"Idempotent-Replayed": "true"})
            self._saved[key] = (asked, None)
            # Long enough for another request with this key to meet it under way.
            await asyncio.sleep(0.02)
            answer = work(request, _tree(text))
            if _is_mistake(answer):
                # What failed validation never began, so nothing is saved.
                del self._saved[key]
            else:
                self._saved[key] = (asked, json.loads(json.dumps(answer)))
            return _json(answer)

        return handler

    def _create(self, request: web.Request, asked: dict[str, Any]) -> Answer:
        card = asked.get("payment_method", "")
        unknown = set(asked) - {
            "amount", "currency", "automatic_payment_methods", "metadata", "description",
            "confirm", "payment_method", "return_url",
        }  # fmt: skip
        if unknown:
            return _error(400, "invalid_request_error", f"unknown parameter {unknown}", code="parameter_unknown")
        if int(asked["amount"]) < 50:
            return _error(400, "invalid_request_error", "too small", code="amount_too_small", param="amount")
        if card and card not in PAID | DECLINED.keys() | CHALLENGED:
            message = f"No such PaymentMethod: '{card}'"
            return _error(400, "invalid_request_error", message, code="resource_missing", param="payment_method")
        ref = f"pi_{len(self.intents):06}"
        intent = self.intents[ref] = {
            "id": ref,
            "object": "payment_intent",
            "created": int(time.time()),
            "amount": int(asked["amount"]),
            "currency": asked["currency"],
            "status": "requires_payment_method",
            "client_secret": f"{ref}_secret_{id(asked)}",
            "next_action": None,
            "last_payment_error": None,
            "latest_charge": None,
            "metadata": asked.get("metadata", {}),
            "payment_method": card or None,
        }
        return (
            self._confirm(intent, card, asked.get("return_url", ""))
            if asked.get("confirm") == "true"
            else (200, intent)
        )

    def _confirm(self, intent: dict[str, Any], card: str, return_url: str) -> Answer:
        if card in DECLINED:
            code, decline_code = DECLINED[card]
            error = {"type": "card_error", "code": code, "decline_code": decline_code, "message": "Your card…"}
            intent["last_payment_error"] = error
            return 402, {"error": {**error, "payment_intent": dict(intent)}}
        if card in CHALLENGED:
            redirect = {"type": "redirect_to_url", "redirect_to_url": {"url": f"https://hooks.example/{intent['id']}"}}
            sdk = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
            intent |= {"status": "requires_action", "next_action": redirect if return_url else sdk}
        else:
            self._charge(intent)
        return 200, intent

    def _charge(self, intent: dict[str, Any]) -> None:
        intent |= {"status": "succeeded", "next_action": None, "latest_charge": f"ch_{intent['id']}"}

    def authenticate(self, ref: str, *, approved: bool) -> None:
        """The buyer at the bank's page."""
        intent = self.intents[ref]
        if approved:
            self._charge(intent)
        else:
            error = {"type": "invalid_request_error", "code": "payment_intent_authentication_failure"}
            intent |= {"status": "requires_payment_method", "next_action": None, "last_payment_error": error}

    async def _retrieve(self, request: web.Request) -> web.Response:
        intent = self.intents.get(request.match_info["id"])
        if intent is None:
            return _json(_error(404, "invalid_request_error", "No such payment_intent", code="resource_missing"))
        return _json((200, self._expanded(intent)))

    def _expanded(self, intent: dict[str, Any]) -> dict[str, Any]:
        if intent["latest_charge"] is None:
            return intent
        charge = {"id": intent["latest_charge"], "amount_refunded": self.refunded(intent["id"])}
        return intent | {"latest_charge": charge}

    async def _list(self, request: web.Request) -> web.Response:
        since, until = int(request.query["created[gte]"]), int(request.query["created[lt]"])
        newest_first = [
            ref for ref in sorted(self.intents, reverse=True) if since <= self.intents[ref]["created"] < until
        ]
        after = request.query.get("starting_after")
        rest = newest_first[newest_first.index(after) + 1 :] if after else newest_first
        limit = int(request.query.get("limit", 10))
        rows = [self._expanded(self.intents[ref]) for ref in rest[:limit]]
        return _json((200, {"object": "list", "data": rows, "has_more": len(rest) > limit, "url": request.path}))

    async def _search(self, request: web.Request) -> web.Response:
        found = re.fullmatch(r"metadata\['payment_id'\]:'([^']+)'", request.query["query"])
        wanted = found.group(1) if found else ""
        rows = [intent for intent in self.intents.values() if intent["metadata"].get("payment_id") == wanted]
        rows = sorted(rows, key=lambda intent: str(intent["id"]), reverse=True)[: int(request.query["limit"])]
        return _json((200, {"object": "search_result", "data": rows, "has_more": False, "url": request.path}))

    def _cancel(self, request: web.Request, _: dict[str, Any]) -> Answer:
        intent = self.intents[request.match_info["id"]]
        if intent["status"] in ("succeeded", "canceled"):
            return _error(400, "invalid_request_error", "too late", code="payment_intent_unexpected_state")
        intent |= {"status": "canceled", "next_action": None}
        return 200, intent

    def _refund(self, request: web.Request, asked: dict[str, Any]) -> Answer:
        intent, amount = self._expanded(self.intents[asked["payment_intent"]]), int(asked["amount"])
        charge = intent["latest_charge"]
        if not charge or charge["amount_refunded"] + amount > intent["amount"]:
            return _error(400, "invalid_request_error", "Refund amount is greater than unrefunded amount")
        ref = f"re_{len(self.refunds):06}"
        self.refunds[ref] = {"id": ref, "amount": amount, "payment_intent": intent["id"], "status": "succeeded"}
        return 200, self.refunds[ref] | {"object": "refund"}

    def signed_event(self, ref: str, *, at: float | None = None) -> tuple[bytes, str]:
        """A webhook as Stripe sends it: the body and its signature."""
        stamp = int(time.time() if at is None else at)
        event = {
            "id": f"evt_{time.time_ns()}",
            "object": "event",
            "created": stamp,
            "type": "payment_intent.succeeded",
            "data": {"object": self.intents[ref]},
        }
        body = json.dumps(event, indent=2).encode()
        mac = hmac.new(WEBHOOK_SECRET.encode(), f"{stamp}.{body.decode()}".encode(), sha256).hexdigest()
        return body, f"t={stamp},v1={mac},v0=ignored"


def _tree(text: str) -> dict[str, Any]:
    """`metadata[payment_id]=x` is {"metadata": {"payment_id": "x"}}."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text):
        outer, _, inner = name.partition("[")
        if inner:
            tree.setdefault(outer, {})[inner.rstrip("]")] = value
        else:
            tree[name] = value
    return tree


def _error(status: int, kind: str, message: str, **more: str) -> Answer:
    return status, {"error": {"type": kind, "message": message, **more}}


def _is_mistake(answer: Answer) -> bool:
    return answer[0] in (400, 404)


def _json(answer: Answer, headers: dict[str, str] | None = None) -> web.Response:
    status, body = answer
    return web.json_response(body, status=status, headers=headers)
