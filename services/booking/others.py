"""What ticket and payment have in their books of our bookings, in batches, and the undoing of what nobody is owed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC
from typing import Final

from protos.gen import payment_pb2, payment_pb2_grpc, ticket_pb2, ticket_pb2_grpc
from services.booking.judging import Paid, Seats
from services.kit.errors import Overloaded
from services.kit.money import Money
from services.kit.rpc.client import Peer

TIMEOUT_S: Final = 8.0
UNDO_TIMEOUT_S: Final = 10.0
# Pages of one answer: a range of a few hundred bookings has not more, or something is very wrong.
MOST_PAGES: Final = 50
_CAPTURED: Final = frozenset({payment_pb2.SUCCEEDED, payment_pb2.PARTIALLY_REFUNDED})


class OtherBooks:
    def __init__(
        self,
        ticket: Peer[ticket_pb2_grpc.TicketServiceAsyncStub],
        payment: Peer[payment_pb2_grpc.PaymentServiceAsyncStub],
    ) -> None:
        self._ticket, self._payment = ticket, payment

    async def seats_of(self, booking_ids: Collection[str]) -> Sequence[Seats]:
        return await self._seats(ticket_pb2.ListHoldsRequest(key_prefixes=[f"{one}/" for one in booking_ids]))

    async def seats_between(self, after: str, until: str) -> Sequence[Seats]:
        # All keys of a booking begin with its id and `/`, which `0` comes right after.
        after_key = f"{after}0" if after else ""
        return await self._seats(ticket_pb2.ListHoldsRequest(after_key=after_key, until_key=f"{until}0"))

    async def payments_of(self, booking_ids: Collection[str]) -> Sequence[tuple[str, Paid]]:
        return await self._payments(payment_pb2.ListPaymentsRequest(booking_ids=booking_ids))

    async def payments_between(self, after: str, until: str) -> Sequence[tuple[str, Paid]]:
        return await self._payments(payment_pb2.ListPaymentsRequest(after_booking_id=after, until_booking_id=until))

    async def undo_payment(self, key: str, attempt: int) -> None:
        request = payment_pb2.CancelPaymentRequest(key=key, attempt=attempt)
        await self._payment.call(self._payment.stub.CancelPayment, request, timeout_s=UNDO_TIMEOUT_S)

    async def release_seats(self, event_id: str, key: str) -> None:
        request = ticket_pb2.ReleaseSeatsRequest(key=key, event_id=event_id)
        await self._ticket.call(self._ticket.stub.ReleaseSeats, request)

    async def _seats(self, request: ticket_pb2.ListHoldsRequest) -> Sequence[Seats]:
        found: list[Seats] = []
        for _ in range(MOST_PAGES):
            reply = await self._ticket.call(self._ticket.stub.ListHolds, request, timeout_s=TIMEOUT_S)
            found += map(_seats, reply.holds)
            if not reply.next_page_token:
                return found
            request.page_token = reply.next_page_token
        raise Overloaded("the holds of a range of bookings")

    async def _payments(self, request: payment_pb2.ListPaymentsRequest) -> Sequence[tuple[str, Paid]]:
        found: list[tuple[str, Paid]] = []
        for _ in range(MOST_PAGES):
            reply = await self._payment.call(self._payment.stub.ListPayments, request, timeout_s=TIMEOUT_S)
            found += [(one.booking_id, _paid(one)) for one in reply.payments]
            if not reply.next_page_token:
                return found
            request.page_token = reply.next_page_token
        raise Overloaded("the payments of a range of bookings")


def _seats(hold: ticket_pb2.HoldStanding) -> Seats:
    return Seats(
        key=hold.key,
        event_id=hold.event_id,
        sold=hold.sold,
        places=hold.places,
        tickets=hold.tickets,
        made_at=hold.made_at.ToDatetime(UTC),
    )


def _paid(payment: payment_pb2.Payment) -> Paid:
    return Paid(
        key=payment.key,
        payment_id=payment.payment_id,
        captured=payment.status in _CAPTURED,
        amount=Money(payment.amount.minor, payment.amount.currency),
        refunded_minor=payment.refunded.minor,
        updated_at=payment.updated_at.ToDatetime(UTC),
        attempt=payment.attempt,
    )
