"""Sends what waits: leases mails, renders them, hands them to the mail server and writes down what became of each.

Sent once, as far as SMTP allows (docs/decisions/0013). Between the server's word and our note of it lies one commit of
the database; a process that dies within that moment, or a word that is lost on its way, leaves a mail which may have
been sent. Such a mail is sent again when its lease ends, or when the process is back under its name, with the same
Message-ID, for two deliveries do less harm than none. To make that rare a note is written at once, with those that came
while the one before was written; a process that is told to stop finishes the mails in its hands; and a lease is far
longer than a mail may take.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import structlog
from opentelemetry.trace import SpanKind

from services.email_worker import metrics
from services.email_worker.domain import Leased, Mail, Outcome, before_sending, failed, postponed, sent, untouched
from services.email_worker.ports import Lane, Postponed, Render, ServerAway, Store, Undeliverable
from services.kit.batching import Batcher
from services.kit.clock import Clock
from services.kit.errors import NotNow
from services.kit.metrics import counted_rounds
from services.kit.tracing import span

BATCH: Final = 128
LEASE: Final = timedelta(minutes=5)
# A mail is not begun with less than this left of its lease.
MARGIN: Final = timedelta(minutes=2)
# How often to look when nobody woke us: second tries, and mails of a sender that died.
IDLE_S: Final = 1.0
BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
NOTE_AGAIN_S: Final = 0.5
# How long a stopping sender may take to finish the mails in its hands.
FINISH_S: Final = 10.0
log = structlog.get_logger()


def _about(mail: Mail) -> dict[str, str]:
    return {"messaging.system": "smtp", "messaging.operation.type": "send", "ticketing.mail.kind": mail.kind.value}


class Sender:
    """Any number of replicas may run: what one has leased, no other takes."""

    def __init__(
        self,
        store: Store,
        render: Render,
        lanes: Sequence[Lane],
        now: Clock,
        *,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        """`committed` is called after each note (the outbox's relay)."""
        self._store, self._render, self._lanes, self._now = store, render, lanes, now
        self._committed = committed
        self._woken, self._stopping = asyncio.Event(), asyncio.Event()
        self._note = Batcher(self._settle, name="outcomes")

    def wake(self) -> None:
        """Mails were written; do not wait for the next look."""
        self._woken.set()

    def stop(self) -> None:
        """Begin no more mails."""
        self._stopping.set()
        self._woken.set()

    async def run(self) -> None:
        """For as long as the process lives. Cancelled, it finishes what it has begun."""
        rounds = asyncio.create_task(self._rounds(), name="mail-rounds")
        try:
            await asyncio.shield(rounds)
        finally:
            self.stop()
            await asyncio.wait([rounds], timeout=FINISH_S)
            rounds.cancel()
            for lane in self._lanes:
                await lane.close()

    async def _rounds(self) -> None:
        failures, is_back = 0, False
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                if not is_back:
                    await self._take_back()
                    is_back = True
                taken, left = await self._send_some()
                failures = failures + 1 if left else 0
            except NotNow as away:
                log.warning("sender_waits", error=str(away))
                taken, failures = 0, failures + 1
            if failures:
                await self._pause(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])
            elif taken < BATCH:
                await self._idle()

    async def _take_back(self) -> None:
        """Nobody else has our name, so what is leased to it is in nobody's hands."""
        if left_behind := await self._store.take_back(now=self._now()):
            log.info("mails_taken_back", count=left_behind)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _idle(self) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                await self._woken.wait()
        except TimeoutError:
            return

    @counted_rounds("send")
    async def _send_some(self) -> tuple[int, int]:
        """How many were taken, and how many of them given back because no lane reached the server."""
        now = self._now()
        leased = await self._store.lease(BATCH, now=now, until=now + LEASE)
        if not leased:
            return 0, 0
        todo = deque(leased)
        async with asyncio.TaskGroup() as group:
            for number, lane in enumerate(self._lanes[: len(todo)]):
                group.create_task(self._work(lane, todo, group), name=f"mail-lane-{number}")
        if todo:
            await self._note_all([untouched(one.mail, at=self._now()) for one in todo])
        return len(leased), 0 if self._stopping.is_set() else len(todo)

    async def _work(self, lane: Lane, todo: deque[Leased], group: asyncio.TaskGroup) -> None:
        while todo and not self._stopping.is_set():
            leased = todo.popleft()
            try:
                outcome = await self._send(lane, leased)
            except ServerAway as away:
                todo.appendleft(leased)
                log.warning("mail_server_away", error=str(away))
                return
            # Not waited for: the lane has the next mail to carry meanwhile.
            group.create_task(self._note_one(outcome), name="mail-note")

    async def _send(self, lane: Lane, leased: Leased) -> Outcome:
        mail, now = leased.mail, self._now()
        if now > mail.due_at - MARGIN:
            return untouched(mail, at=now)
        if decided := before_sending(leased, at=now):
            return decided
        with span("send mail", parent=mail.traceparent, kind=SpanKind.CLIENT, attributes=_about(mail)):
            return await self._deliver(lane, leased)

    async def _deliver(self, lane: Lane, leased: Leased) -> Outcome:
        mail = leased.mail
        try:
            with metrics.RENDER_DURATION.time():
                letter = self._render(leased)
        except Undeliverable as never:
            return failed(mail, str(never), at=self._now())
        except Exception as fault:
            log.exception("mail_not_rendered", booking_id=mail.booking_id, kind=mail.kind.value)
            return postponed(mail, f"not rendered: {type(fault).__name__}", at=self._now())
        began = time.monotonic()
        try:
            await lane.deliver(letter)
        except Postponed as later:
            return postponed(mail, str(later), at=self._now())
        except Undeliverable as never:
            return failed(mail, str(never), at=self._now())
        metrics.SMTP_DURATION.observe(time.monotonic() - began)
        return sent(mail, at=self._now())

    async def _note_all(self, outcomes: Sequence[Outcome]) -> None:
        async with asyncio.TaskGroup() as group:
            for outcome in outcomes:
                group.create_task(self._note_one(outcome), name="mail-note")

    async def _note_one(self, outcome: Outcome) -> None:
        """Until the database has it, or the lease has ended and somebody else may have the mail."""
        mail = outcome.mail
        while True:
            try:
                await self._note(outcome)
                break
            except NotNow:
                if self._now() > mail.due_at:
                    log.exception("mail_outcome_lost", booking_id=mail.booking_id, state=outcome.state.value)
                    return
                await asyncio.sleep(NOTE_AGAIN_S)
        metrics.MAILS.labels(mail.kind.value, outcome.state.value).inc()
        if outcome.state.value == "failed":
            log.error("mail_failed", booking_id=mail.booking_id, kind=mail.kind.value, reason=outcome.reason)

    async def _settle(self, outcomes: Sequence[Outcome]) -> Sequence[None]:
        await self._store.settle(outcomes)
        self._committed()
        return [None] * len(outcomes)
