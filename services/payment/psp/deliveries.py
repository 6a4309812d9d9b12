"""Webhooks of the sandbox: kept in the transaction that made them true, and delivered over real HTTP until taken."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Final

import aiohttp
import msgspec
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit.clock import Clock
from services.kit.database.engine import transaction
from services.kit.errors import NotNow
from services.kit.ids import new_id
from services.payment.psp.faults import FaultDesk
from services.payment.psp.intents import CANCELED, SUCCEEDED, SandboxIntent
from services.payment.psp.signature import sign

BATCH: Final = 50
IDLE_S: Final = 0.5
TIMEOUT_S: Final = 5.0
# With at most a minute between two, a few hours of an endpoint that is away.
MAX_TRIES: Final = 300
_DUE: Final = text("""
    UPDATE sandbox_deliveries
    SET tries = tries + 1, due_at = now() + make_interval(secs => least(60, 0.5 * power(2, least(tries, 8))))
    WHERE event_id IN (
        SELECT event_id FROM sandbox_deliveries WHERE due_at <= now() ORDER BY due_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    RETURNING event_id, body, tries
""")
_ADD: Final = text("""
    INSERT INTO sandbox_deliveries (event_id, body, due_at)
    VALUES (:event_id, :body, now() + make_interval(secs => :late_s))
""")
_DONE: Final = text("DELETE FROM sandbox_deliveries WHERE event_id = ANY(CAST(:ids AS text[]))")
_SECRET: Final = text("SELECT secret FROM sandbox_secret")
_MAKE_SECRET: Final = text("INSERT INTO sandbox_secret (secret) VALUES (:secret) ON CONFLICT DO NOTHING")
_TYPES: Final = {SUCCEEDED: "payment_intent.succeeded", CANCELED: "payment_intent.canceled"}
log = structlog.get_logger()


class Deliveries:
    """`url` is our own webhook route, as a real PSP would reach it. On the desk's bad days they come late, or twice."""

    def __init__(self, engine: AsyncEngine, now: Clock, *, url: str, desk: FaultDesk | None = None) -> None:
        self._engine, self._now, self._url, self._desk = engine, now, url, desk or FaultDesk()
        self._secret = ""
        self._woken = asyncio.Event()

    async def secret(self) -> str:
        """Made once per installation."""
        if not self._secret:
            async with transaction(self._engine) as tx:
                await tx.execute(_MAKE_SECRET, {"secret": f"whsec_sandbox_{secrets.token_hex(24)}"})
                self._secret = str((await tx.execute(_SECRET)).scalar_one())
        return self._secret

    async def add(self, tx: AsyncConnection, intent: SandboxIntent) -> None:
        """Deliver an event about that intent if and only if the transaction commits. Call `wake` after it did."""
        about = {
            "id": intent.intent_id,
            "object": "payment_intent",
            "amount": intent.amount_minor,
            "currency": intent.currency.lower(),
            "status": intent.status,
            "metadata": {"payment_id": intent.payment_id, "booking_id": intent.booking_id},
        }
        event_id = f"evt_{new_id().replace('-', '')}"
        body = {
            "id": event_id,
            "object": "event",
            "type": _TYPES.get(intent.status, "payment_intent.payment_failed"),
            "created": int(self._now().timestamp()),
            "livemode": False,
            "data": {"object": about},
        }
        told = msgspec.json.encode(body).decode()
        # A copy is a delivery of its own with the same event in it.
        for copy, late_s in enumerate(self._desk.webhook_delays(), 1):
            await tx.execute(_ADD, {"event_id": f"{event_id}/{copy}", "body": told, "late_s": late_s})

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """For as long as the process lives."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
            while True:
                self._woken.clear()
                try:
                    sent = await self._deliver_due(session)
                except NotNow as away:
                    log.warning("deliveries_wait", error=str(away))
                    sent = 0
                if sent < BATCH:
                    await self._idle()

    async def _idle(self) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _deliver_due(self, session: aiohttp.ClientSession) -> int:
        async with transaction(self._engine) as tx:
            due = (await tx.execute(_DUE, {"limit": BATCH})).all()
        taken = await asyncio.gather(*(self._post(session, row.event_id, row.body, row.tries) for row in due))
        await self._forget([row.event_id for row, done in zip(due, taken, strict=True) if done])
        return len(due)

    async def _post(self, session: aiohttp.ClientSession, event_id: str, body: str, tries: int) -> bool:
        header = sign(body.encode(), await self.secret(), at=self._now().timestamp())
        headers = {"Stripe-Signature": header, "Content-Type": "application/json; charset=utf-8"}
        try:
            async with session.post(self._url, data=body.encode(), headers=headers) as answer:
                if answer.ok:
                    return True
                log.warning("delivery_refused", event_id=event_id, status=answer.status, tries=tries)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("delivery_failed", event_id=event_id, error=repr(error)[:200], tries=tries)
        if tries >= MAX_TRIES:
            log.error("delivery_given_up", event_id=event_id)
        return tries >= MAX_TRIES

    async def _forget(self, event_ids: Sequence[str]) -> None:
        if event_ids:
            async with transaction(self._engine) as tx:
                await tx.execute(_DONE, {"ids": list(event_ids)})
