"""Runs sagas: many at once, each once, and goes on with those whose process died."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from services.booking import metrics
from services.booking.domain import Booking
from services.booking.ports import LeaseLost, Store
from services.booking.saga import PAUSES_S, Peers, Progress, run
from services.kit import tracing
from services.kit.batching import Batcher
from services.kit.errors import NotNow, Overloaded
from services.kit.metrics import counted_rounds
from services.kit.rpc import deadline

LOOK_S: Final = 1.0
RENEW_S: Final = 4.0
TAKE_AT_ONCE: Final = 500
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Begun:
    """An order on record: ours to run when fresh, else as it was found."""

    progress: Progress
    fresh: bool


class StillAtWork(NotNow):
    reason = "still-at-work"
    retry_after_s = 2.0

    def __init__(self) -> None:
        super().__init__("the booking is being worked; ask again with the same id")


class Conductor:
    """Owns the tasks of this process's sagas. `committed` is called after every write (the outbox's relay)."""

    def __init__(self, store: Store, peers: Peers, *, committed: Callable[[], None], max_running: int) -> None:
        self._store, self._peers = store, peers
        self._committed, self._max_running = committed, max_running
        self._running: dict[str, asyncio.Task[Booking]] = {}
        self._leases: dict[str, str] = {}
        self.begin: Batcher[Progress, Begun] = Batcher(self._begin_many, name="begin")
        self._write: Batcher[Progress, None] = Batcher(self._write_many, name="journal")

    def task_of(self, booking_id: str) -> asyncio.Task[Booking] | None:
        """The saga of that booking, when it runs here."""
        return self._running.get(booking_id)

    def start(self, progress: Progress) -> asyncio.Task[Booking]:
        """Run the saga of a booking that is leased to us. The task outlives whoever asked for it.

        One that ran here before, and lost its lease without knowing yet, ends at its next write.
        """
        booking_id = progress.booking.id
        if len(self._running) >= self._max_running:
            raise Overloaded("bookings")
        task = asyncio.create_task(self._run(progress), name=f"saga:{booking_id}")
        self._running[booking_id], self._leases[booking_id] = task, progress.lease
        task.add_done_callback(lambda done: self._ended(booking_id, done))
        return task

    def _ended(self, booking_id: str, task: asyncio.Task[Booking]) -> None:
        if self._running.get(booking_id) is task:
            del self._running[booking_id], self._leases[booking_id]

    async def write(self, progress: Progress) -> None:
        """The saga's journal. Tried again while the database does not answer, for a while."""
        for pause_s in PAUSES_S:
            try:
                return await self._write(progress, of=progress.order.event_id)
            except NotNow:
                await asyncio.sleep(pause_s)
            except LeaseLost:
                # The write before this one may have been the one that ended our lease, its reply lost.
                if await self._is_written(progress):
                    return None
                raise
        return await self._write(progress, of=progress.order.event_id)

    async def _is_written(self, progress: Progress) -> bool:
        async with self._store.transaction() as bookings:
            found = (await bookings.find([progress.booking.id])).get(progress.booking.id)
        return found is not None and found.booking == progress.booking and found.booking.decided

    async def _run(self, progress: Progress) -> Booking:
        deadline.begin(None)  # The caller's deadline is not the saga's.
        booking_id = progress.booking.id
        structlog.contextvars.bind_contextvars(booking_id=booking_id)
        about = {"ticketing.booking.id": booking_id}
        with tracing.span("saga", parent=progress.order.traceparent, attributes=about) as around:
            try:
                booking = (await run(progress, self._peers, self)).booking
                around.set("ticketing.booking.status", booking.status.value)
            except NotNow:
                raise
            except LeaseLost:
                raise StillAtWork from None
            except Exception as fault:
                log.exception("saga_failed", booking_id=progress.booking.id)
                await self._rest(progress, f"{type(fault).__name__}: {fault}")
                raise StillAtWork from fault
            metrics.decided(booking.status.value.lower(), booking.reason)
            log.debug("booking_decided", status=booking.status.value, reason=booking.reason)
        return booking

    async def _rest(self, progress: Progress, why: str) -> None:
        """Let it be for a while: a bug met again at once would be met for ever."""
        booking_id = progress.booking.id
        async with self._store.transaction() as bookings:
            found = (await bookings.find([booking_id])).get(booking_id)
            if found is not None and not found.booking.decided:
                resting = replace(found, lease=progress.lease).resting(why, now=self._peers.now())
                self._note_parked([resting], await bookings.save([resting]))
        self._committed()

    async def _begin_many(self, progresses: Sequence[Progress]) -> Sequence[Begun | Exception]:
        unique = {one.booking.id: one for one in progresses}
        async with self._store.transaction() as bookings:
            added = await bookings.add(list(unique.values()))
            known = await bookings.find([one for one in unique if one not in added])
        outcomes: list[Begun] = []
        for booking_id in (one.booking.id for one in progresses):
            # Sent twice in one batch: the first one runs it.
            fresh = added.pop(booking_id, None)
            outcomes.append(Begun(fresh or known.get(booking_id, unique[booking_id]), fresh is not None))
        return outcomes

    async def _write_many(self, progresses: Sequence[Progress]) -> Sequence[Exception | None]:
        async with self._store.transaction() as bookings:
            saved = await bookings.save(progresses)
        self._committed()
        self._note_parked(progresses, saved)
        return [None if one.booking.id in saved else LeaseLost() for one in progresses]

    def _note_parked(self, progresses: Sequence[Progress], saved: Collection[str]) -> None:
        for one in progresses:
            if one.booking.parked and one.booking.id in saved:
                metrics.PARKINGS.inc()
                log.error("saga_parked", booking_id=one.booking.id, why=one.booking.parked)

    async def take_up(self) -> None:
        """For as long as the process lives: go on with sagas that nobody works."""
        while True:
            try:
                await self._take_up_some()
            except NotNow as away:
                log.warning("take_up_waits", error=str(away))
            await asyncio.sleep(LOOK_S)

    @counted_rounds("take-up")
    async def _take_up_some(self) -> None:
        room = min(TAKE_AT_ONCE, self._max_running - len(self._running))
        if room <= 0:
            return
        async with self._store.transaction() as bookings:
            found = await bookings.undecided(limit=room)
            metrics.PARKED.set(await bookings.count_parked())
        for progress in found:
            log.info("saga_taken_up", booking_id=progress.booking.id, step=progress.step)
            self.start(progress).add_done_callback(_heard)
        metrics.RESTING.set(sum(1 for progress in found if progress.rests))

    async def renew(self) -> None:
        """For as long as the process lives: the sagas that run here stay ours."""
        while True:
            await asyncio.sleep(RENEW_S)
            if not self._running:
                continue
            try:
                async with self._store.transaction() as bookings:
                    await bookings.renew_leases(self._leases)
            except NotNow as away:
                log.warning("renew_waits", error=str(away))


def _heard(task: asyncio.Task[Booking]) -> None:
    """Nobody waits for a saga that was taken up; its failure is in the journal."""
    if not task.cancelled():
        task.exception()
