"""One method per RPC and per fact. What the buyer asked for is on record before anything is done about it."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from services.booking.conductor import Conductor, StillAtWork
from services.booking.domain import Booking, Order, Status, checked_card
from services.booking.ports import Parked, Store
from services.booking.refusals import BookingIdReused, NotCancellable, NotPayable, UnknownBooking
from services.booking.saga import LAST_STEP, PAYMENT, PAYMENT_STEP, Payments, Progress
from services.kit.clock import Clock
from services.kit.errors import Invalid, Told
from services.kit.metrics import counted_rounds
from services.kit.paging import Page, from_token, page_size, to_token

# How long a caller waits for a saga that runs in another process.
ELSEWHERE_S: Final = 4.0
ELSEWHERE_LOOK_S: Final = 0.25
# How long a cancellation or a payment may take before its caller is told that it is under way.
CANCEL_S: Final = 3.0
PAY_S: Final = 4.0
LOOK_S: Final = 2.0
AT_ONCE: Final = 200
RESUMED_AT_ONCE: Final = 1000
MOST_LISTED: Final = 1000
CANCELLABLE: Final = frozenset({Status.CONFIRMED, Status.AWAITING_PAYMENT})
CANCELLED: Final = frozenset({Status.CANCELLING, Status.CANCELLED})
# Money that comes for one of these after all may still buy what it was for.
UNPAID: Final = frozenset({Status.REJECTED, Status.AWAITING_PAYMENT})
log = structlog.get_logger()


class BookingHandlers:
    def __init__(self, store: Store, conductor: Conductor, payments: Payments, now: Clock) -> None:
        self._store, self._conductor, self._payments, self._now = store, conductor, payments, now

    async def create(self, order: Order) -> Booking:
        """Run the saga, once per booking id; returns when it is decided. Raises NotNow when that takes too long."""
        order.checked()
        begun = await self._conductor.begin(Progress(booking=_new(order, at=self._now())), of=order.event_id)
        if begun.fresh:
            return await asyncio.shield(self._conductor.start(begun.progress))
        if not begun.progress.order.same_as(order):
            raise BookingIdReused
        return await self._decided(begun.progress.booking)

    async def booking(self, booking_id: str, *, user_id: str = "") -> Booking:
        return (await self._known(booking_id, user_id)).booking

    async def bookings_of(self, user_id: str, *, size: int, token: str) -> Page[Booking]:
        limit = page_size(size)
        (before,) = from_token(token, tuple[str]) if token else ("",)
        async with self._store.transaction() as bookings:
            found = await bookings.of_user(user_id, before=before, limit=limit + 1)
        more = to_token(found[limit - 1].id) if len(found) > limit else ""
        return Page(found[:limit], more)

    async def attendees(self, event_id: str, *, size: int, token: str) -> Page[Booking]:
        """The bookings of an event that have tickets, in the order they were ordered."""
        limit = page_size(size)
        (after,) = from_token(token, tuple[str]) if token else ("",)
        async with self._store.transaction() as bookings:
            found = await bookings.confirmed_of(event_id, after=after, limit=limit + 1)
        more = to_token(found[limit - 1].id) if len(found) > limit else ""
        return Page(found[:limit], more)

    async def cancel(self, booking_id: str, *, user_id: str) -> Booking:
        """Give back the seats and the money; what is cancelled already stays so."""
        known = (await self._known(booking_id, user_id)).booking
        if known.status in CANCELLED:
            return known
        task = await self._put_back_to_work(booking_id, CANCELLABLE, _cancelled("cancelled-by-buyer"))
        if task is None:
            known = await self.booking(booking_id)
            # Another call may have been faster: one wish, one answer.
            if known.status in CANCELLED:
                return known
            raise NotCancellable(known.status.value)
        await asyncio.wait({task}, timeout=CANCEL_S)
        return await self.booking(booking_id)

    async def pay(self, booking_id: str, payment_method: str, *, user_id: str) -> Booking:
        """Try another card; who has paid already, or is paying with this card, is answered the same booking."""
        checked_card(payment_method)
        known = (await self._known(booking_id, user_id)).booking
        if known.waits_for(payment_method):
            return known
        task = await self._put_back_to_work(booking_id, {Status.AWAITING_PAYMENT}, _paying(payment_method))
        if task is not None:
            await asyncio.wait({task}, timeout=PAY_S)
            return await self.booking(booking_id)
        known = await self.booking(booking_id)
        if known.status is Status.CONFIRMED:
            return known
        if known.status is not Status.PENDING:
            raise NotPayable
        if known.card != payment_method:
            raise StillAtWork
        return await self._decided(known)

    async def parked(self, *, limit: int) -> tuple[Sequence[Parked], int]:
        """Sagas that wait for a person, the longest parked first, and how many there are."""
        if not 0 <= limit <= MOST_LISTED:
            raise Invalid(f"limit: must be 0 to {MOST_LISTED}")
        async with self._store.transaction() as bookings:
            return await bookings.parked(limit=limit or 100), await bookings.count_parked()

    async def resume(self, booking_ids: Collection[str]) -> Sequence[str]:
        """Give parked sagas (no ids: as many as are taken at once) back to be worked; which those were."""
        async with self._store.transaction() as bookings:
            parked = await bookings.take_parked(booking_ids, limit=RESUMED_AT_ONCE)
            await bookings.save([one.resumed(now=self._now()) for one in parked])
        log.info("sagas_resumed", count=len(parked))
        return [one.booking.id for one in parked]

    async def payments_decided(self, booking_ids: Collection[str]) -> None:
        """Facts of topic `payments`: whoever waited for one of them asks payment again, by the same key."""
        async with self._store.transaction() as bookings:
            awaiting = await bookings.awaiting(booking_ids)
        for booking_id in awaiting:
            await self._put_back_to_work(booking_id, {Status.AWAITING_PAYMENT}, _asking_again)

    async def paid_late(self, booking_id: str, payment_id: str) -> None:
        """Money for a payment that had been given up: the places it was for, if they are still free, or it goes back.

        For a booking that is at work nothing is done: payment itself returns what nobody claims.
        """
        task = await self._put_back_to_work(booking_id, UNPAID, _paid_late(payment_id))
        if task is not None:
            return
        async with self._store.transaction() as bookings:
            found = (await bookings.find([booking_id])).get(booking_id)
        if found is not None and found.booking.status is Status.CANCELLED:
            await self._payments.cancel(key=found.key(PAYMENT), attempt=found.booking.attempt)

    async def event_cancelled(self, event_id: str) -> None:
        """A fact of topic `events`: everybody gets the money back."""
        async with self._store.transaction() as bookings:
            await bookings.event_cancelled(event_id)
        await self._give_back_of_cancelled()

    async def watch_unpaid(self) -> None:
        """For as long as the process lives: whoever paid goes on, whoever did not in time gives the seats back.

        So does who bought in the moment in which the event was cancelled: ticket may have learnt of it after us.
        """
        while True:
            try:
                await self._look_at_payments()
                await self._expire_overdue()
                await self._give_back_of_cancelled()
            except Told as away:
                log.warning("watch_waits", error=str(away))
            await asyncio.sleep(LOOK_S)

    @counted_rounds("look-at-payments")
    async def _look_at_payments(self) -> None:
        async with self._store.transaction() as bookings:
            waiting = await bookings.to_look_at(limit=AT_ONCE)
        for progress in waiting:
            if not await self._payments.waits(key=progress.key(PAYMENT)):
                await self._put_back_to_work(progress.booking.id, {Status.AWAITING_PAYMENT}, _asking_again)

    @counted_rounds("expire-overdue")
    async def _expire_overdue(self) -> None:
        async with self._store.transaction() as bookings:
            overdue = await bookings.overdue(now=self._now(), limit=AT_ONCE)
        for booking_id in overdue:
            await self._put_back_to_work(booking_id, {Status.AWAITING_PAYMENT}, _expired)

    async def _give_back_of_cancelled(self) -> None:
        while True:
            async with self._store.transaction() as bookings:
                found = await bookings.to_give_back(limit=AT_ONCE)
            for booking_id in found:
                await self._put_back_to_work(booking_id, CANCELLABLE, _cancelled("event-cancelled"))
            if len(found) < AT_ONCE:
                return

    async def _put_back_to_work(
        self, booking_id: str, among: Collection[Status], turn: Callable[[Progress, datetime], Progress]
    ) -> asyncio.Task[Booking] | None:
        """Take a decided booking into the saga again; None when its status is another by now."""
        async with self._store.transaction() as bookings:
            taken = await bookings.take(booking_id, among)
            if taken is None:
                return None
            progress = turn(taken, self._now())
            await bookings.save([progress])
        task = self._conductor.start(progress)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _known(self, booking_id: str, user_id: str) -> Progress:
        async with self._store.transaction() as bookings:
            found = (await bookings.find([booking_id])).get(booking_id)
        if found is None or (user_id and found.order.user_id != user_id):
            raise UnknownBooking
        return found

    async def _decided(self, booking: Booking) -> Booking:
        if booking.decided:
            return booking
        if task := self._conductor.task_of(booking.id):
            return await asyncio.shield(task)
        try:
            async with asyncio.timeout(ELSEWHERE_S):
                while not booking.decided:
                    await asyncio.sleep(ELSEWHERE_LOOK_S)
                    booking = await self.booking(booking.id)
        except TimeoutError:
            raise StillAtWork from None
        return booking


def _new(order: Order, *, at: datetime) -> Booking:
    return Booking(order=order, status=Status.PENDING, created_at=at, updated_at=at)


def _cancelled(reason: str) -> Callable[[Progress, datetime], Progress]:
    def turn(progress: Progress, at: datetime) -> Progress:
        booking = progress.booking.cancelling(reason, at=at)
        return replace(progress, booking=booking, step=LAST_STEP, undoing=True, rests=0, rests_until=None)

    return turn


def _asking_again(progress: Progress, at: datetime) -> Progress:
    booking = progress.booking.resumed(at=at)
    return replace(progress, booking=booking, step=PAYMENT_STEP, undoing=False, rests=0, rests_until=None)


def _paying(payment_method: str) -> Callable[[Progress, datetime], Progress]:
    def turn(progress: Progress, at: datetime) -> Progress:
        return replace(_asking_again(progress, at), booking=progress.booking.paying(payment_method, at=at))

    return turn


def _expired(progress: Progress, at: datetime) -> Progress:
    return replace(_asking_again(progress, at), booking=progress.booking.overdue(at=at))


def _paid_late(payment_id: str) -> Callable[[Progress, datetime], Progress]:
    def turn(progress: Progress, at: datetime) -> Progress:
        step = 0 if progress.booking.status is Status.REJECTED else PAYMENT_STEP
        return replace(_asking_again(progress, at), booking=progress.booking.paid_late(payment_id, at=at), step=step)

    return turn
