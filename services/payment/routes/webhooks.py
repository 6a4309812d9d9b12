"""POST /webhooks/stripe: what the PSP has to tell. Kept first, looked into afterwards."""

from typing import Final

from aiohttp import web

from services.kit.clock import Clock
from services.payment import metrics
from services.payment.ports import BadSignature, Psp
from services.payment.settling import Settling

MAX_BODY: Final = 256 * 1024


class WebhookRoutes:
    def __init__(self, psp: Psp, settling: Settling, now: Clock) -> None:
        self._psp, self._settling, self._now = psp, settling, now

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/webhooks/stripe", self._receive)

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            event = await self._psp.read_event(body, request.headers.get("Stripe-Signature", ""))
        except BadSignature:
            metrics.WEBHOOKS.labels("refused").inc()
            raise
        if event is None:
            metrics.WEBHOOKS.labels("ignored").inc()
        else:
            if event.happened_at is not None:
                metrics.WEBHOOK_AGE.observe(max(0.0, (self._now() - event.happened_at).total_seconds()))
            new = await self._settling.received(event)
            metrics.WEBHOOKS.labels("new" if new else "repeated").inc()
        return web.json_response({"received": True})
