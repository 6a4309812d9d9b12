"""Stripe, by PaymentIntents and the official library. Imported only where the provider is stripe."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import stripe

from services.kit.rpc import deadline
from services.payment.domain import Intent, Payment, PspEvent, Status
from services.payment.ports import BadSignature, PspDown, PspRefused
from services.payment.psp.patience import answers_in_time
from services.payment.psp.stripe_words import REQUEST_SLUGS, intent_from, slug_of

if TYPE_CHECKING:
    from services.payment.settings import PaymentSettings

TOLERANCE_S: Final = 300
# Charges of one payment that are looked through for the one that was paid.
MOST_TRIES: Final = 20
_EXPAND: Final = ["latest_charge"]
# What the library's HTTP client lets through of aiohttp, as it reads a body.
_NO_ANSWER: Final = (
    stripe.APIConnectionError,
    stripe.RateLimitError,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
)


class StripePsp:
    provider = "stripe"

    def __init__(self, settings: PaymentSettings) -> None:
        # The library would tell Stripe how long our last request took; nobody asked for that.
        stripe.enable_telemetry = False
        self._timeout_s, self._patience_s = settings.psp_timeout_s, settings.psp_patience_s
        self._return_url = settings.stripe_return_url
        self._webhook_secret = settings.stripe_webhook_secret
        self._http = stripe.AIOHTTPClient(timeout=aiohttp.ClientTimeout(total=settings.psp_timeout_s))
        base: Any = {"api": settings.stripe_api_base.rstrip("/")} if settings.stripe_api_base else {}
        self._stripe = stripe.StripeClient(
            settings.stripe_secret_key.get_secret_value(),
            http_client=self._http,
            max_network_retries=settings.stripe_retries,
            base_addresses=base,
        ).v1
        self._gate = asyncio.Semaphore(settings.stripe_concurrency)
        self._answers = True

    async def charge_many(self, payments: Sequence[Payment]) -> Sequence[Intent | Exception]:
        if not payments:
            return []
        limit_s = deadline.remaining_s(self._timeout_s)
        calls = [self._charge(payment) for payment in payments]
        return await answers_in_time(calls, limit_s=limit_s, patience_s=self._patience_s)

    async def _charge(self, payment: Payment) -> Intent:
        create = self._stripe.payment_intents.create_async(self._wish(payment), {"idempotency_key": payment.charge_key})
        try:
            created = await self._asked(create)
        except stripe.CardError as declined:
            return _declined(payment, declined)
        except stripe.InvalidRequestError as refused:
            return _refused(payment, refused)
        except stripe.IdempotencyError as reused:
            raise PspRefused("this idempotency key came with other parameters before") from reused
        intent = intent_from(created.to_dict())
        replayed = created.last_response is not None and "idempotent-replayed" in created.last_response.headers
        # A repetition gets the first answer, word by word, however old it is.
        return (await self.find(intent.ref) or intent) if replayed else intent

    def _wish(self, payment: Payment) -> Any:
        methods = {"enabled": True} if self._return_url else {"enabled": True, "allow_redirects": "never"}
        wish: dict[str, object] = {
            "amount": payment.amount.minor,
            "currency": payment.amount.currency.lower(),
            "automatic_payment_methods": methods,
            "metadata": {"payment_id": payment.payment_id, "booking_id": payment.booking_id},
        }
        if payment.description:
            wish["description"] = payment.description
        if payment.payment_method:
            wish |= {"confirm": True, "payment_method": payment.payment_method}
            if self._return_url:
                wish["return_url"] = self._return_url
        return wish

    async def withhold(self, payment: Payment) -> Intent:
        # The same idempotency key with another wish, one that charges nothing: either it is the first to come, and
        # then Stripe will refuse the charge for ever; or Stripe refuses it, and then the charge was there before.
        wish = self._wish(payment)
        for name in ("confirm", "payment_method", "return_url"):
            wish.pop(name, None)
        wish["metadata"]["withheld"] = "true"
        create = self._stripe.payment_intents.create_async(wish, {"idempotency_key": payment.charge_key})
        try:
            never = await self._asked(create)
        except stripe.IdempotencyError:
            return await self._charge(payment)
        return await self.cancel(never.id)

    async def find(self, ref: str) -> Intent | None:
        try:
            found = await self._asked(self._stripe.payment_intents.retrieve_async(ref, {"expand": _EXPAND}))
        except stripe.InvalidRequestError as error:
            if error.http_status == 404:
                return None
            raise
        return intent_from(found.to_dict())

    async def find_by_payment(self, payment_id: str) -> Intent | None:
        # Newest first.
        wanted: Any = {"query": f"metadata['payment_id']:'{payment_id}'", "limit": MOST_TRIES}
        found = await self._asked(self._stripe.payment_intents.search_async(wanted))
        tries = [intent_from(one.to_dict()) for one in found.data]
        return next((one for one in tries if one.status is Status.SUCCEEDED), tries[0] if tries else None)

    async def cancel(self, ref: str) -> Intent:
        try:
            return intent_from((await self._asked(self._stripe.payment_intents.cancel_async(ref))).to_dict())
        except stripe.InvalidRequestError as refused:
            # It has come to an end already: paid, or cancelled before.
            if (intent := await self.find(ref)) is None:
                raise PspRefused("no such intent") from refused
            return intent

    async def refund(self, ref: str, minor: int, *, key: str) -> None:
        wish: Any = {"payment_intent": ref, "amount": minor}
        try:
            refund = await self._asked(self._stripe.refunds.create_async(wish, {"idempotency_key": key}))
        except (stripe.InvalidRequestError, stripe.IdempotencyError) as refused:
            raise PspRefused(refused.code or "refund") from refused
        if refund.status in ("failed", "canceled"):
            raise PspRefused("refund-failed")

    async def intents(self, *, since: datetime, until: datetime, limit: int, after: str = "") -> Sequence[Intent]:
        created = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        page: Any = {"limit": min(limit, 100), "created": created, "expand": ["data.latest_charge"]}
        if after:
            page["starting_after"] = after
        found = await self._asked(self._stripe.payment_intents.list_async(page))
        return [intent_from(one.to_dict()) for one in found.data]

    async def read_event(self, body: bytes, signature: str) -> PspEvent | None:
        secret = self._webhook_secret.get_secret_value()
        try:
            event = stripe.Webhook.construct_event(body, signature, secret, TOLERANCE_S)
            fields = event.to_dict()
            about, happened_at = fields["data"]["object"], datetime.fromtimestamp(fields["created"], UTC)
        except (stripe.SignatureVerificationError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadSignature from error
        if not str(fields.get("type", "")).startswith("payment_intent."):
            return None
        payment_id = (about.get("metadata") or {}).get("payment_id", "")
        return PspEvent(str(fields["id"]), str(about["id"]), str(payment_id), happened_at) if payment_id else None

    async def ping(self) -> None:
        """By what the last call met: asking Stripe each second whether it is there would be a nuisance."""
        if not self._answers:
            raise PspDown

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]  # the library left this one out

    async def _asked[T](self, call: Awaitable[T]) -> T:
        try:
            async with self._gate, asyncio.timeout(deadline.remaining_s(self._timeout_s)):
                answer = await call
        except _NO_ANSWER as error:
            self._answers = False
            raise PspDown from error
        except stripe.APIError as error:
            # 409: the first request with this key is still under way. 5xx: Stripe's trouble.
            self._answers = error.http_status == 409
            raise PspDown from error
        self._answers = True
        return answer


def _declined(payment: Payment, error: stripe.CardError) -> Intent:
    said = _said(error)
    about = said.get("payment_intent")
    if isinstance(about, dict) and about.get("last_payment_error"):
        return intent_from(about)
    reason = slug_of(error.code, said.get("decline_code"))
    ref = about["id"] if isinstance(about, dict) else ""
    return Intent(ref=ref, status=Status.FAILED, amount=payment.amount, failure_reason=reason)


def _refused(payment: Payment, error: stripe.InvalidRequestError) -> Intent:
    reason = REQUEST_SLUGS.get(error.code or "", "")
    if error.param == "payment_method":
        reason = "invalid-payment-method"
    if not reason:
        raise error
    return Intent(ref="", status=Status.FAILED, amount=payment.amount, failure_reason=reason)


def _said(error: stripe.StripeError) -> dict[str, Any]:
    body = error.json_body
    said = body.get("error") if isinstance(body, dict) else None
    return said if isinstance(said, dict) else {}
