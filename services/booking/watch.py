"""Compares bookings with the seats and the money of their owners, all the time and when asked; repairs what is safe.

Three books are never read at one moment. So a booking is read before the others' books and again after them, and judged
only when it is the same both times and older than the grace: nobody changes seats or money of a decided booking without
changing the booking first.

Four ways, each in small batches: what was settled lately, in that order; what is not settled; what is wrong already;
and, slowly, everything within the window, in the order of ids and by ranges of them, so that seats and money are found
also of bookings that nobody here knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from services.booking.domain import Booking
from services.booking.judging import PROMISES, Case, Cure, Graces, Mailed, Paid, Seats, Wrong, judge
from services.booking.ports import Books, Mark, Others
from services.kit.clock import Clock
from services.kit.errors import NotNow, Told
from services.kit.ids import first_id_at
from services.kit.invariants import MAX_REPAIRS, Gauges, Report

PAGE: Final = 200
# Pages of what was settled lately that are worked in one round.
PAGES_AT_ONCE: Final = 10
# Pages of a look that was asked for.
MOST_PAGES: Final = 500
LEASE: Final = timedelta(seconds=60)
REPAIRED_AT_ONCE: Final = 20
# A repair that did not help is tried again after this.
REPAIR_PAUSE: Final = timedelta(minutes=10)
SETTLED, EVERYTHING = "settled", "everything"
GAUGES: Final = Gauges(PROMISES)
log = structlog.get_logger()


class BookingWatch:
    """`committed` is called when a fact was written (the outbox's relay)."""

    def __init__(
        self,
        books: Books,
        others: Others,
        now: Clock,
        *,
        committed: Callable[[], None],
        window: timedelta,
        graces: Graces | None = None,
    ) -> None:
        self._books, self._others, self._now, self._committed = books, others, now, committed
        self._window, self._graces = window, graces or Graces()

    async def look(self, *, grace_s: int = 0, window_s: int = 0) -> Report:
        """At every booking of the window, and at seats and money of bookings that nobody knows. Changes nothing."""
        graces = self._graces.at_most(grace_s)
        window = timedelta(seconds=window_s) if window_s > 0 else self._window
        after, until = first_id_at(self._now() - window), first_id_at(self._now())
        wrong: list[Wrong] = []
        looked, left_out = 0, f"more than {MOST_PAGES * PAGE} bookings; not those after"
        for _ in range(MOST_PAGES):
            upto, cases = await self._range(after, until)
            looked += len(cases)
            wrong += await self._judge(cases, graces)
            if upto == until:
                left_out = ""
                break
            after = upto
        return Report(
            promises=PROMISES,
            violations=wrong,
            looked_at=dict.fromkeys(PROMISES, looked),
            repairs=await self._books.repairs(MAX_REPAIRS),
            left_out=f"{left_out} {after}" if left_out else "",
        )

    async def run(self, *, every_s: float) -> None:
        """For as long as the process lives. Several replicas may: each way has one of them at a time."""
        while True:
            for way in (self.settled, self.unsettled, self.wrong_already, self.everything):
                await self._on(way)
            try:
                GAUGES.tell(await self._books.findings(), now=self._now())
            except NotNow as away:
                log.warning("watch_waits", error=str(away))
            await asyncio.sleep(every_s)

    async def _on(self, way: Callable[[], Awaitable[None]]) -> None:
        try:
            await way()
        except Told as away:
            log.warning("watch_waits", way=way.__name__, error=str(away))
        except Exception:
            log.exception("watch_failed", way=way.__name__)

    async def settled(self) -> None:
        """What was settled since the mark and is older than the grace."""
        first = _written(Mark(self._now() - self._window, ""))
        found = await self._books.take_mark(SETTLED, first=first, lease=LEASE)
        if found is None:
            return
        mark = _read(found)
        for _ in range(PAGES_AT_ONCE):
            page = await self._books.settled(mark, until=self._now() - self._graces.usual, limit=PAGE)
            if page:
                await self._see_to([one.booking_id for one in page])
                mark = page[-1]
            if len(page) < PAGE:
                break
        await self._books.put_mark(SETTLED, _written(mark))

    async def unsettled(self) -> None:
        """The oldest of what is at work or waits for a payment."""
        await self._see_to(await self._books.open(limit=PAGE))

    async def wrong_already(self) -> None:
        """What is wrong may have been put right; and a mail may have come by now."""
        await self._see_to(list({one.subject for one in (await self._books.findings())[:PAGE]}))

    async def everything(self) -> None:
        """One range of everything within the window; after the last one the first again."""
        first = first_id_at(self._now() - self._window)
        mark = await self._books.take_mark(EVERYTHING, first=first, lease=LEASE)
        if mark is None:
            return
        until = first_id_at(self._now() - self._graces.usual)
        upto, cases = await self._range(max(mark, first), until)
        await self._conclude(cases)
        await self._books.put_mark(EVERYTHING, first if upto == until else upto)

    async def _see_to(self, booking_ids: Sequence[str]) -> None:
        if booking_ids:
            await self._conclude(await self._cases(booking_ids))

    async def _cases(self, booking_ids: Sequence[str]) -> Mapping[str, Case]:
        bookings = await self._books.find(booking_ids)
        seats = await self._others.seats_of(booking_ids)
        payments = await self._others.payments_of(booking_ids)
        return await self._joined(booking_ids, bookings, seats, payments)

    async def _range(self, after: str, until: str) -> tuple[str, Mapping[str, Case]]:
        """The cases of a page of ids, and up to where it goes."""
        bookings = await self._books.after(after, until=until, limit=PAGE)
        upto = max(bookings) if len(bookings) == PAGE else until
        seats = await self._others.seats_between(after, upto)
        payments = await self._others.payments_between(after, upto)
        ids = {*bookings, *(_whose(one) for one in seats), *(booking_id for booking_id, _ in payments)}
        return upto, await self._joined(sorted(ids), bookings, seats, payments)

    async def _joined(
        self,
        booking_ids: Collection[str],
        bookings: Mapping[str, Booking],
        seats: Sequence[Seats],
        payments: Sequence[tuple[str, Paid]],
    ) -> Mapping[str, Case]:
        mailed = await self._books.mailed(booking_ids)
        cancelled = await self._books.cancelled_events({one.order.event_id for one in bookings.values()})
        seats_of: dict[str, list[Seats]] = {}
        for hold in seats:
            seats_of.setdefault(_whose(hold), []).append(hold)
        payments_of: dict[str, list[Paid]] = {}
        for booking_id, paid in payments:
            payments_of.setdefault(booking_id, []).append(paid)
        return {
            one: Case(
                booking_id=one,
                booking=bookings.get(one),
                seats=seats_of.get(one, ()),
                payments=payments_of.get(one, ()),
                mailed=mailed.get(one, Mailed.NO),
                event_cancelled_at=cancelled.get(bookings[one].order.event_id) if one in bookings else None,
            )
            for one in booking_ids
        }

    async def _judge(self, cases: Mapping[str, Case], graces: Graces) -> Sequence[Wrong]:
        now = self._now()
        wrong = {one: found for one, case in cases.items() if (found := judge(case, graces, now=now))}
        if not wrong:
            return ()
        again = await self._books.find(list(wrong))
        return [one for booking_id in wrong if again.get(booking_id) == cases[booking_id].booking
                for one in wrong[booking_id]]  # fmt: skip

    async def _conclude(self, cases: Mapping[str, Case]) -> None:
        """Keep what is wrong with them, drop what is no more, and cure what may be cured."""
        wrong = await self._judge(cases, self._graces)
        await self._books.keep(list(cases), wrong)
        for one in wrong:
            log.error("invariant_violated", invariant=one.invariant, booking_id=one.subject, what=one.what)
        for one in [one for one in wrong if one.cure][:REPAIRED_AT_ONCE]:
            await self._cure(one, cases[one.subject])

    async def _cure(self, wrong: Wrong, case: Case) -> None:
        receipt = await self._books.begin_repair(wrong, pause=REPAIR_PAUSE)
        if receipt is None or wrong.cure is None:
            return
        match wrong.cure:
            case Cure.UNDO_PAYMENT:
                await self._others.undo_payment(wrong.key, wrong.attempt)
            case Cure.RELEASE_SEATS:
                await self._others.release_seats(wrong.event_id, wrong.key)
            case Cure.CANCEL_ANEW:
                await self._books.cancel_anew(wrong.event_id)
            case Cure.MAIL_AGAIN if case.booking is not None:
                await self._books.tell_again(case.booking)
                self._committed()
        await self._books.end_repair(receipt, done=wrong.cure.value)
        log.warning("repaired", invariant=wrong.invariant, booking_id=wrong.subject, done=wrong.cure.value)


def _whose(hold: Seats) -> str:
    return hold.key.partition("/")[0]


def _written(mark: Mark) -> str:
    return f"{mark.at.astimezone(UTC).isoformat()} {mark.booking_id}"


def _read(text: str) -> Mark:
    at, _, booking_id = text.partition(" ")
    return Mark(datetime.fromisoformat(at), booking_id)
