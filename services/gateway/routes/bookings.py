"""Bookings: an order joins the line, is watched, listed, cancelled."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from services.gateway.domain import Order, checked_key, checked_places
from services.gateway.edge.operation import Answer, AnyOperation, Call, Header, Limit, Nothing, Operation
from services.gateway.handlers import BookingHandlers
from services.gateway.models.bookings import Booking, Bookings, Links, PayBooking, PlaceBooking, Placed, Timeline
from services.gateway.models.common import PageQuery
from services.gateway.routes.examples import ORDER, PLACED
from services.kit.ids import new_id

TAG: Final = "bookings"
_ALL: Final = "/api/v1/bookings"
_KEY: Final = "Idempotency-Key"
# The role of support.
ADMIN: Final = "admin"
_ENCODE: Final = msgspec.json.Encoder().encode


class BookingRoutes:
    def __init__(self, bookings: BookingHandlers) -> None:
        self._bookings = bookings

    def operations(self) -> Sequence[AnyOperation]:
        return (
            Operation(
                method="POST",
                path=_ALL,
                tag=TAG,
                summary="Order places",
                description=(
                    "Answers as soon as the order is in line; it is decided in turn. Watch the WebSocket for "
                    "`booking`, or look the booking up.\n\nSend an Idempotency-Key, and the same one with "
                    "every repetition: however often it is sent, it is one booking."
                ),
                run=self.place,
                body=PlaceBooking,
                query=Nothing,
                answer=Placed,
                status=202,
                limit=Limit.BOOKINGS,
                errors=(
                    "unknown-event",
                    "event-cancelled",
                    "sale-not-open",
                    "unknown-seat",
                    "unknown-section",
                    "too-many-places",
                    "idempotency-key-reused",
                    "queue-full",
                ),
                request_headers=(
                    Header(
                        name=_KEY,
                        description="1 to 255 visible ASCII characters of your choice, such as a UUID; kept a day.",
                        pattern="^[!-~]{1,255}$",
                    ),
                ),
                answer_headers=(Header(name="Location", description="Where to look the booking up."),),
                example=ORDER,
                answer_example=PLACED,
            ),
            Operation(
                method="GET",
                path=_ALL,
                tag=TAG,
                summary="Your bookings, newest first",
                description="Those still in line are not among them yet.",
                run=self.mine,
                body=Nothing,
                query=PageQuery,
                answer=Bookings,
                errors=("bad-page-token",),
            ),
            Operation(
                method="GET",
                path=f"{_ALL}/{{id}}",
                tag=TAG,
                summary="What became of a booking",
                run=self.get,
                body=Nothing,
                query=Nothing,
                answer=Booking,
                missing="unknown-booking",
            ),
            Operation(
                method="GET",
                path=f"{_ALL}/{{id}}/timeline",
                tag=TAG,
                summary="What happened to a booking, step by step",
                description=(
                    "Why you got a ticket, or did not: the line, the seats, each answer of the payment provider, the "
                    "mails. It names nobody and no card, so that it can be shown to whoever helps you. Your own "
                    "bookings; an admin may read anybody's."
                ),
                run=self.timeline,
                body=Nothing,
                query=Nothing,
                answer=Timeline,
                missing="unknown-booking",
            ),
            Operation(
                method="POST",
                path=f"{_ALL}/{{id}}/cancel",
                tag=TAG,
                summary="Cancel a booking",
                description="Gives the places back, and the money. Cancelling twice is cancelling once.",
                run=self.cancel,
                body=Nothing,
                query=Nothing,
                answer=Booking,
                missing="unknown-booking",
                errors=("booking-not-cancellable", "still-at-work"),
            ),
            Operation(
                method="POST",
                path=f"{_ALL}/{{id}}/payment",
                tag=TAG,
                summary="Pay with another card",
                description=(
                    "For a booking that is `awaiting_payment`, until `expires_at`: its seats stay held meanwhile. The "
                    "card before can not be charged any more. A declined card leaves the booking as it was, with "
                    "the `reason`; five cards may be tried. What is paid already is not paid again."
                ),
                run=self.pay,
                body=PayBooking,
                query=Nothing,
                answer=Booking,
                limit=Limit.BOOKINGS,
                missing="unknown-booking",
                errors=("booking-not-payable", "too-many-cards", "still-at-work"),
            ),
        )

    async def place(self, call: Call[PlaceBooking, None]) -> Answer:
        booking = await self._bookings.place(_order(call))
        links = Links(f"{_ALL}/{booking.id}", f"/api/v1/events/{booking.event_id}")
        return Answer(body=Placed(booking, links), headers={"Location": links.self})

    async def mine(self, call: Call[None, PageQuery]) -> Answer:
        page = await self._bookings.of_user(call.user_id, limit=call.query.limit, cursor=call.query.cursor)
        return Answer(body=page)

    async def get(self, call: Call[None, None]) -> Answer:
        return Answer(body=await self._bookings.get(call.ids["id"], user_id=call.user_id))

    async def timeline(self, call: Call[None, None]) -> Answer:
        whose = "" if ADMIN in call.identity.roles else call.user_id
        return Answer(body=await self._bookings.timeline(call.ids["id"], user_id=whose))

    async def cancel(self, call: Call[None, None]) -> Answer:
        return Answer(body=await self._bookings.cancel(call.ids["id"], user_id=call.user_id))

    async def pay(self, call: Call[PayBooking, None]) -> Answer:
        card = call.body.payment_method
        return Answer(body=await self._bookings.pay(call.ids["id"], card, user_id=call.user_id))


def _order(call: Call[PlaceBooking, None]) -> Order:
    wanted = call.body
    areas = {area.section_id: area.quantity for area in wanted.areas}
    seats = tuple(wanted.seats)
    checked_places(seats, areas, area_count=len(wanted.areas))
    key = call.headers.get(_KEY)
    return Order(
        booking_id=new_id(),
        user_id=call.user_id,
        event_id=wanted.event_id,
        seats=seats,
        areas=areas,
        payment_method=wanted.payment_method,
        idempotency_key="" if key is None else checked_key(key),
        digest="" if key is None else blake2b(_ENCODE(wanted), digest_size=16).hexdigest(),
        traceparent=call.traceparent,
    )
