"""The saga's peers over gRPC. One order at a time for the saga, many in a call on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from protos.gen import payment_pb2, payment_pb2_grpc, refusal_pb2, ticket_pb2, ticket_pb2_grpc
from services.booking.domain import Booking, NextAction, Order, Place, Ticket
from services.booking.facts import money
from services.booking.saga import Charge, Held
from services.kit.batching import Batcher
from services.kit.errors import Kind, PeerRefused
from services.kit.money import Money
from services.kit.rpc.client import Peer
from services.kit.rpc.status import kind_named, told

MAX_BATCH: Final = 200
# A charge asks the PSP, which may be slow; a seat is our own business.
CHARGE_TIMEOUT_S: Final = 10.0
# A card that the PSP is slow about holds up its own batch and no other.
CHARGE_LANES: Final = 2


class TicketClient:
    """ticket.TicketService as the saga's `Tickets`."""

    def __init__(self, peer: Peer[ticket_pb2_grpc.TicketServiceAsyncStub]) -> None:
        self._peer = peer
        self._reserve: Batcher[ticket_pb2.ReserveSeatsRequest, Held] = Batcher(
            self._reserve_many, name="reserve", max_batch=MAX_BATCH
        )
        self._confirm: Batcher[ticket_pb2.ConfirmSeatsRequest, Sequence[Ticket]] = Batcher(
            self._confirm_many, name="confirm", max_batch=MAX_BATCH
        )
        self._release: Batcher[ticket_pb2.ReleaseSeatsRequest, int] = Batcher(
            self._release_many, name="release", max_batch=MAX_BATCH
        )

    async def reserve(self, order: Order, *, key: str) -> Held:
        quantities = [ticket_pb2.Quantity(section_id=one.section_id, quantity=one.quantity) for one in order.quantities]
        return await self._reserve(
            ticket_pb2.ReserveSeatsRequest(
                key=key,
                event_id=order.event_id,
                user_id=order.user_id,
                seat_ids=order.seat_ids,
                quantities=quantities,
                payment_in_flight=True,
            ),
            of=order.event_id,
        )

    async def release(self, event_id: str, *, key: str) -> None:
        await self._release(ticket_pb2.ReleaseSeatsRequest(key=key, event_id=event_id), of=event_id)

    async def extend(self, *, key: str, until: datetime) -> None:
        request = ticket_pb2.ExtendHoldRequest(key=key)
        request.expires_at.FromDatetime(until)
        await self._peer.call(self._peer.stub.ExtendHold, request)

    async def confirm(self, order: Order, *, key: str) -> Sequence[Ticket]:
        return await self._confirm(
            ticket_pb2.ConfirmSeatsRequest(key=key, booking_id=order.booking_id, user_id=order.user_id),
            of=order.event_id,
        )

    async def _reserve_many(self, requests: Sequence[ticket_pb2.ReserveSeatsRequest]) -> Sequence[Held | Exception]:
        batch = ticket_pb2.ReserveSeatsBatchRequest(requests=requests)
        reply = await self._peer.call(self._peer.stub.ReserveSeatsBatch, batch)
        return [_refused(one.refused) if one.HasField("refused") else _held(one.hold) for one in reply.outcomes]

    async def _confirm_many(
        self, requests: Sequence[ticket_pb2.ConfirmSeatsRequest]
    ) -> Sequence[Sequence[Ticket] | Exception]:
        batch = ticket_pb2.ConfirmSeatsBatchRequest(requests=requests)
        reply = await self._peer.call(self._peer.stub.ConfirmSeatsBatch, batch)
        return [
            _refused(one.refused) if one.HasField("refused") else [_ticket(t) for t in one.confirmed.tickets]
            for one in reply.outcomes
        ]

    async def _release_many(self, requests: Sequence[ticket_pb2.ReleaseSeatsRequest]) -> Sequence[int]:
        batch = ticket_pb2.ReleaseSeatsBatchRequest(requests=requests)
        return list((await self._peer.call(self._peer.stub.ReleaseSeatsBatch, batch)).released)


class PaymentClient:
    """payment.PaymentService as the saga's `Payments`."""

    def __init__(self, peer: Peer[payment_pb2_grpc.PaymentServiceAsyncStub]) -> None:
        self._peer = peer
        self._charge: Batcher[payment_pb2.CreatePaymentRequest, Charge] = Batcher(
            self._charge_many, name="charge", max_batch=MAX_BATCH, lanes=CHARGE_LANES
        )

    async def charge(self, booking: Booking, *, key: str) -> Charge:
        return await self._charge(
            payment_pb2.CreatePaymentRequest(
                key=key,
                booking_id=booking.id,
                user_id=booking.order.user_id,
                amount=money(booking.total),
                payment_method=booking.card,
                attempt=booking.attempt,
                description=f"booking {booking.id}",
            ),
            of=booking.order.event_id,
        )

    async def waits(self, *, key: str) -> bool:
        reply = await self._peer.call(self._peer.stub.GetPayment, payment_pb2.GetPaymentRequest(key=key))
        return reply.payment.status in {payment_pb2.REQUIRES_ACTION, payment_pb2.PROCESSING}

    async def close(self, *, key: str, attempt: int) -> Charge:
        reply = await self._undo(payment_pb2.CancelPaymentRequest(key=key, attempt=attempt, unless_paid=True))
        if reply.payment.status != payment_pb2.SUCCEEDED:
            raise PeerRefused(Kind.CONFLICT, "payment-expired", "nothing was paid in time")
        return Charge(reply.payment.payment_id, late=reply.payment.late)

    async def cancel(self, *, key: str, attempt: int) -> None:
        await self._undo(payment_pb2.CancelPaymentRequest(key=key, attempt=attempt))

    async def _undo(self, request: payment_pb2.CancelPaymentRequest) -> payment_pb2.CancelPaymentResponse:
        return await self._peer.call(self._peer.stub.CancelPayment, request, timeout_s=CHARGE_TIMEOUT_S)

    async def _charge_many(self, requests: Sequence[payment_pb2.CreatePaymentRequest]) -> Sequence[Charge | Exception]:
        batch = payment_pb2.CreatePaymentsBatchRequest(requests=requests)
        reply = await self._peer.call(self._peer.stub.CreatePaymentsBatch, batch, timeout_s=CHARGE_TIMEOUT_S)
        return [_refused(one.refused) if one.HasField("refused") else _charged(one.payment) for one in reply.outcomes]


def _refused(message: refusal_pb2.Refused) -> Exception:
    return told(kind_named(message.kind), message.reason, message.message)


def _held(hold: ticket_pb2.Hold) -> Held:
    return Held(tuple(_place(one) for one in hold.places), Money(hold.total.minor, hold.total.currency))


def _place(message: ticket_pb2.Place) -> Place:
    return Place(
        seat_id=message.seat_id,
        section_id=message.section_id,
        label=message.label,
        price=Money(message.price.minor, message.price.currency),
    )


def _ticket(message: ticket_pb2.Ticket) -> Ticket:
    return Ticket(ticket_id=message.ticket_id, place=_place(message.place), qr_payload=message.qr_payload)


def _charged(payment: payment_pb2.Payment) -> Charge | Exception:
    match payment.status:
        case payment_pb2.SUCCEEDED:
            return Charge(payment.payment_id, late=payment.late)
        case payment_pb2.REQUIRES_ACTION:
            todo = payment.next_action
            action = NextAction(type=todo.type, url=todo.url, client_secret=todo.client_secret)
            return Charge(payment.payment_id, action)
        case payment_pb2.PROCESSING:
            return told(Kind.LATER, "payment-processing", "the PSP has not decided yet")
        case payment_pb2.FAILED:
            reason = payment.failure_reason or "card-declined"
            return PeerRefused(Kind.CONFLICT, reason, "the payment was declined")
        case _:
            return PeerRefused(Kind.CONFLICT, "payment-cancelled", "the payment was cancelled or refunded")
