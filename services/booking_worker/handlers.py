"""What is done with orders that were read, and with outcomes that came: the way of an entry through the worker."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from services.booking_worker import metrics
from services.booking_worker.domain import (
    MAX_TAKEN,
    SELLING,
    TRY_AGAIN,
    Decided,
    Entry,
    Outcome,
    Undecided,
    Verdict,
    read_verdict,
    retry_delay_s,
)
from services.booking_worker.lines import Lines
from services.booking_worker.ports import Bookings, Orders, Queue
from services.booking_worker.telling import Teller
from services.kit import tracing
from services.kit.errors import NotNow

# Outcomes that are settled together; realtime takes no more in one call.
MAX_SETTLED: Final = 500
BACKOFF_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
log = structlog.get_logger()


class WorkerHandlers:
    def __init__(
        self, queue: Queue, lines: Lines, bookings: Bookings, teller: Teller, *, max_tries: int, linger_s: float
    ) -> None:
        self._queue, self._lines, self._bookings, self._teller = queue, lines, bookings, teller
        self._max_tries, self._linger_s = max_tries, linger_s
        self._arrived: list[Verdict | tuple[str, Outcome]] = []
        self._wake = asyncio.Event()
        # The stream needs us before we can have it.
        self.orders: Orders

    async def entries_read(self, entries: Sequence[Entry]) -> None:
        """Entries of held lines, in order per event: they go to booking, but for those that need not."""
        fresh: list[Entry] = []
        for event_id, of_event in _by_event(entries).items():
            fresh += self._lines.take(event_id, of_event)
        if not fresh:
            return
        named = [entry.booking_id for entry in fresh if not entry.fault]
        cancelled = await until_done(lambda: self._queue.cancelled(named))
        verdicts = {entry.entry_id: read_verdict(entry, cancelled=entry.booking_id in cancelled) for entry in fresh}
        self._add([verdict for verdict in verdicts.values() if verdict])
        to_be_asked = [entry for entry in fresh if verdicts[entry.entry_id] is None]
        worn = [entry for entry in to_be_asked if entry.taken > MAX_TAKEN]
        for entry in worn:
            self._lines.worn(entry, self._max_tries)
        self._add([(entry.booking_id, Undecided("workers-died")) for entry in worn])
        self.orders.submit([entry for entry in to_be_asked if entry.taken <= MAX_TAKEN])

    def outcomes_came(self, outcomes: Sequence[tuple[str, Outcome]]) -> None:
        self._add(outcomes)

    async def settle_forever(self) -> None:
        """While one batch is settled, and a moment longer, the next one gathers."""
        while True:
            await self._wake.wait()
            batch, self._arrived = self._arrived[:MAX_SETTLED], self._arrived[MAX_SETTLED:]
            if not self._arrived:
                self._wake.clear()
            await self.settle(batch)
            await asyncio.sleep(self._linger_s)

    async def settle(self, arrived: Sequence[Verdict | tuple[str, Outcome]]) -> None:
        """Buyers are told, then the entries leave the line, in that order: who dies between tells again."""
        verdicts: list[Verdict] = [one for one in arrived if isinstance(one, Verdict)]
        undecided: list[tuple[Entry, Undecided]] = []
        for booking_id, outcome in (one for one in arrived if not isinstance(one, Verdict)):
            for entry in self._lines.waiting_for(booking_id):
                if isinstance(outcome, Decided):
                    verdicts.append(Verdict(entry, outcome))
                else:
                    undecided.append((entry, outcome))
        verdicts = await self._without_cancelled(verdicts, undecided)
        verdicts += await self._given_up(undecided)
        for start in range(0, len(verdicts), MAX_SETTLED):
            await self._leave(verdicts[start : start + MAX_SETTLED])

    def _add(self, arrived: Sequence[Verdict | tuple[str, Outcome]]) -> None:
        self._arrived += arrived
        if self._arrived:
            self._wake.set()

    async def _without_cancelled(
        self, verdicts: Sequence[Verdict], undecided: list[tuple[Entry, Undecided]]
    ) -> list[Verdict]:
        """Who cancelled while the order was on its way to booking gets seats and money back."""
        sold = [one.entry.booking_id for one in verdicts if one.decided and one.decided.status in SELLING]
        unwanted = await until_done(lambda: self._queue.cancelled(sold)) if sold else ()
        kept: list[Verdict] = []
        for verdict in verdicts:
            if verdict.entry.booking_id not in unwanted:
                kept.append(verdict)
                continue
            outcome = await self._bookings.cancel(verdict.entry)
            if isinstance(outcome, Undecided):
                undecided.append((verdict.entry, outcome))
            else:
                kept.append(verdict if outcome is None else Verdict(verdict.entry, outcome))
        return kept

    async def _given_up(self, undecided: Sequence[tuple[Entry, Undecided]]) -> list[Verdict]:
        """Sends again what may be sent again, and says what becomes of the rest."""
        verdicts: list[Verdict] = []
        again: dict[float, list[Entry]] = defaultdict(list)
        for entry, outcome in undecided:
            line = self._lines.find(entry.event_id)
            if line is None or not line.holds(entry):
                continue
            tries = line.tried(entry)
            if tries >= self._max_tries and (verdict := await self._last_word(entry, outcome, tries)):
                verdicts.append(verdict)
            else:
                again[retry_delay_s(tries)].append(entry)
        for delay_s, entries in again.items():
            self._send_again(entries, delay_s)
        return verdicts

    async def _last_word(self, entry: Entry, outcome: Undecided, tries: int) -> Verdict | None:
        """None while booking does not say whether it knows the order. One it knows, it will finish by itself."""
        try:
            known = await self._bookings.known(entry)
        except NotNow:
            return None
        return Verdict(entry, None if known else TRY_AGAIN, buried=f"not-decided:{outcome.reason}", tries=tries)

    def _send_again(self, entries: Sequence[Entry], delay_s: float) -> None:
        metrics.RETRIES.inc(len(entries))
        self._count_retrying(entries, +1)
        asyncio.get_running_loop().call_later(delay_s, self._sent_again, entries)

    def _sent_again(self, entries: Sequence[Entry]) -> None:
        self._count_retrying(entries, -1)
        self.orders.submit([entry for entry in entries if self._is_held(entry)])
        self._lines.wake()

    def _count_retrying(self, entries: Sequence[Entry], change: int) -> None:
        for entry in entries:
            if line := self._lines.find(entry.event_id):
                line.retrying = max(0, line.retrying + change)

    async def _leave(self, verdicts: Sequence[Verdict]) -> None:
        await self._teller.tell([(one.entry, one.decided) for one in verdicts if one.decided])

        async def settle() -> list[Verdict]:
            # Asked anew at each try: a lease may be lost while Redis is away.
            held = [verdict for verdict in verdicts if self._is_held(verdict.entry)]
            by_event: dict[str, list[Verdict]] = defaultdict(list)
            for verdict in held:
                by_event[verdict.entry.event_id].append(verdict)
            await self._queue.settle(
                by_event, {event_id: self._served(event_id, of) for event_id, of in by_event.items()}
            )
            return held

        left = await until_done(settle)
        for event_id, entries in _by_event([verdict.entry for verdict in left]).items():
            self._lines.leave(event_id, entries)
        _count(left)

    def _served(self, event_id: str, verdicts: Sequence[Verdict]) -> int:
        line = self._lines.find(event_id)
        return line.served_without([verdict.entry for verdict in verdicts]) if line else 0

    def _is_held(self, entry: Entry) -> bool:
        line = self._lines.find(entry.event_id)
        return line is not None and line.holds(entry)


def _count(verdicts: Sequence[Verdict]) -> None:
    now = time.time()
    outcomes = Counter((one.decided.status.value, one.decided.reason) for one in verdicts if one.decided)
    for (status, reason), count in outcomes.items():
        metrics.outcome(status, reason, count)
    for verdict in verdicts:
        entry = verdict.entry
        metrics.WAITED.observe(max(0.0, now - entry.queued_ms / 1000))
        if verdict.buried:
            metrics.DEAD.labels(verdict.buried.partition(":")[0]).inc()
            with tracing.adopted(entry.traceparent):
                log.error("order_buried", event_id=entry.event_id, booking_id=entry.booking_id, reason=verdict.buried)


def _by_event(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.event_id].append(entry)
    return found


async def until_done[R](action: Callable[[], Awaitable[R]]) -> R:
    """As often as it takes: what we hold in hands waits with us until Redis is back."""
    tries = 0
    while True:
        try:
            return await action()
        except NotNow:
            await asyncio.sleep(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])
            tries += 1
