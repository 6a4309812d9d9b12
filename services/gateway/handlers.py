"""Bookings at the door: an order joins the line; a booking is looked up at the desk first, then in the line."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from services.gateway import metrics
from services.gateway.domain import NotCancellable, NotPayable, Order, Queued, QueueFull, StillAtWork, UnknownBooking
from services.gateway.full_lines import FullLines
from services.gateway.in_line import timeline_of, waiting
from services.gateway.models.bookings import Booking, Bookings, Timeline
from services.gateway.ports import BookingDesk, Catalogue, Queue, Word
from services.kit.batching import Batcher
from services.kit.clock import Clock
from services.kit.errors import Refusal

_QUEUED, _REFUSED, _REPEATED = (metrics.ORDERS.labels(outcome) for outcome in ("queued", "refused", "repeated"))


class BookingHandlers:
    def __init__(self, queue: Queue, catalogue: Catalogue, desk: BookingDesk, now: Clock, word: Word) -> None:
        self._queue, self._catalogue, self._desk, self._now, self._word = queue, catalogue, desk, now, word
        self._full = FullLines()
        self._place: Batcher[Order, Queued] = Batcher(self._place_many, name="booking-queue")

    async def place(self, order: Order) -> Booking:
        """Join the line of the event. The same idempotency key is the same booking, whatever the event says by now."""
        try:
            (await self._catalogue.on_sale(order.event_id)).admit(order, now=self._now())
        except Refusal:
            if order.idempotency_key and (earlier := await self._queue.repeated(order)):
                _REPEATED.inc()
                return waiting(earlier)
            _REFUSED.inc()
            raise
        queued = await self._join(order)
        (_QUEUED if queued.booking_id == order.booking_id else _REPEATED).inc()
        return waiting(queued)

    async def _join(self, order: Order) -> Queued:
        if self._full.has(order.event_id, now=self._now()):
            _REFUSED.inc()
            raise QueueFull
        try:
            return await self._place(replace(order, word=await self._word()), of=order.event_id)
        except QueueFull:
            self._full.note(order.event_id, now=self._now())
            _REFUSED.inc()
            raise

    async def get(self, booking_id: str, *, user_id: str) -> Booking:
        try:
            return await self._desk.get(booking_id, user_id=user_id)
        except UnknownBooking:
            queued = await self._queue.find(booking_id)
        if queued is None or queued.user_id != user_id:
            raise UnknownBooking
        if queued.line.is_served and queued.status == "queued":
            return await self._served(queued)
        return waiting(queued)

    async def cancel(self, booking_id: str, *, user_id: str) -> Booking:
        """Cancel at the desk what it has decided; what waits or is being decided is marked, for the worker to undo."""
        try:
            return await self._desk.cancel(booking_id, user_id=user_id)
        except (UnknownBooking, NotCancellable):
            queued = await self._queue.cancel(booking_id, user_id=user_id)
        # Its turn may have come, or the decision, between the two questions.
        try:
            return await self._desk.cancel(booking_id, user_id=user_id)
        except UnknownBooking:
            if queued is None:
                raise
            if queued.status == "rejected":
                raise NotCancellable from None
            return waiting(queued)
        except NotCancellable:
            return await self._cancel_undecided(booking_id, user_id, queued)

    async def _cancel_undecided(self, booking_id: str, user_id: str, queued: Queued | None) -> Booking:
        """The desk would not cancel it: it is deciding it, or has decided it meanwhile."""
        if (await self._desk.get(booking_id, user_id=user_id)).status != "pending":
            return await self._desk.cancel(booking_id, user_id=user_id)
        if queued is None:
            # It has left the line, so nobody would see a mark there.
            raise StillAtWork
        return waiting(queued)

    async def pay(self, booking_id: str, payment_method: str, *, user_id: str) -> Booking:
        """What still waits in line has its card with it, and can not be given another."""
        try:
            return await self._desk.pay(booking_id, payment_method, user_id=user_id)
        except UnknownBooking:
            queued = await self._queue.find(booking_id)
        if queued is None or queued.user_id != user_id:
            raise UnknownBooking
        raise NotPayable

    async def of_user(self, user_id: str, *, limit: int, cursor: str) -> Bookings:
        return await self._desk.of_user(user_id, limit=limit, cursor=cursor)

    async def timeline(self, booking_id: str, *, user_id: str) -> Timeline:
        """What happened to it, told by the desk or by the line. Without a user: anybody's, for support."""
        try:
            return await self._desk.timeline(booking_id, user_id=user_id)
        except UnknownBooking:
            queued = await self._queue.find(booking_id)
        if queued is None or (user_id and queued.user_id != user_id):
            raise UnknownBooking
        if queued.line.is_served:
            # The desk may have learned of it meanwhile.
            with suppress(UnknownBooking):
                return await self._desk.timeline(booking_id, user_id=user_id)
        return timeline_of(queued, now=self._now())

    async def _served(self, queued: Queued) -> Booking:
        """Its turn has come: the desk learned of it, or the worker recorded its end, after we asked."""
        try:
            return await self._desk.get(queued.booking_id, user_id=queued.user_id)
        except UnknownBooking:
            found = await self._queue.find(queued.booking_id) or queued
        # One that left the line without a word was not sold either.
        return waiting(found if found.status != "queued" else replace(found, ended="rejected", reason="order-refused"))

    async def _place_many(self, orders: Sequence[Order]) -> Sequence[Queued | Exception]:
        return await self._queue.place(orders)
