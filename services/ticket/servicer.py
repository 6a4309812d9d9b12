"""ticket.TicketService: wire to our words and back. A single request waits for the next batch of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc

from protos.gen import invariants_pb2, ticket_pb2_grpc
from protos.gen import ticket_pb2 as pb
from services.kit.batching import Batcher
from services.kit.clock import utc_now
from services.kit.errors import Refusal
from services.ticket.domain.hold import Extension, GiveBack, Hold, Order, Sale, SignedTicket
from services.ticket.handlers import TicketHandlers
from services.ticket.reading import TicketReads
from services.ticket.watch import InventoryWatch
from services.ticket.wire import (
    availability_message,
    extension_of,
    give_back_of,
    hold_message,
    order_of,
    pricing_message,
    refused,
    sale_of,
    standing_message,
    ticket_message,
)

type Context = grpc.aio.ServicerContext[Any, Any]


class TicketServicer(ticket_pb2_grpc.TicketServiceServicer):
    def __init__(self, handlers: TicketHandlers, reads: TicketReads, watch: InventoryWatch) -> None:
        self._handlers, self._reads, self._watch = handlers, reads, watch
        self._reserve: Batcher[Order, Hold] = Batcher(handlers.reserve, name="reserve")
        self._confirm: Batcher[Sale, Sequence[SignedTicket]] = Batcher(handlers.confirm, name="confirm")
        self._extend: Batcher[Extension, Hold] = Batcher(handlers.extend, name="extend")
        self._release: Batcher[GiveBack, int] = Batcher(handlers.release, name="release")

    async def GetAvailability(self, request: pb.GetAvailabilityRequest, context: Context) -> pb.GetAvailabilityResponse:
        return availability_message(await self._reads.availability(request.event_id, request.section_id))

    async def GetPricing(self, request: pb.GetPricingRequest, context: Context) -> pb.GetPricingResponse:
        return pricing_message(await self._reads.pricing(request.event_id))

    async def ReserveSeats(self, request: pb.ReserveSeatsRequest, context: Context) -> pb.ReserveSeatsResponse:
        return pb.ReserveSeatsResponse(hold=hold_message(await self._reserve(order_of(request))))

    async def ReleaseSeats(self, request: pb.ReleaseSeatsRequest, context: Context) -> pb.ReleaseSeatsResponse:
        return pb.ReleaseSeatsResponse(released=await self._release(give_back_of(request)))

    async def ConfirmSeats(self, request: pb.ConfirmSeatsRequest, context: Context) -> pb.ConfirmSeatsResponse:
        return _confirmed(await self._confirm(sale_of(request)))

    async def ExtendHold(self, request: pb.ExtendHoldRequest, context: Context) -> pb.ExtendHoldResponse:
        return pb.ExtendHoldResponse(hold=hold_message(await self._extend(extension_of(request))))

    async def ReserveSeatsBatch(
        self, request: pb.ReserveSeatsBatchRequest, context: Context
    ) -> pb.ReserveSeatsBatchResponse:
        outcomes = await self._handlers.reserve([order_of(one) for one in request.requests])
        return pb.ReserveSeatsBatchResponse(outcomes=map(_reserve_outcome, outcomes))

    async def ReleaseSeatsBatch(
        self, request: pb.ReleaseSeatsBatchRequest, context: Context
    ) -> pb.ReleaseSeatsBatchResponse:
        freed = await self._handlers.release([give_back_of(one) for one in request.requests])
        # A request that is not in order held nothing, so that nothing became free.
        return pb.ReleaseSeatsBatchResponse(released=[0 if isinstance(one, Refusal) else one for one in freed])

    async def ConfirmSeatsBatch(
        self, request: pb.ConfirmSeatsBatchRequest, context: Context
    ) -> pb.ConfirmSeatsBatchResponse:
        outcomes = await self._handlers.confirm([sale_of(one) for one in request.requests])
        return pb.ConfirmSeatsBatchResponse(outcomes=map(_confirm_outcome, outcomes))

    async def GetTicketKeys(self, request: pb.GetTicketKeysRequest, context: Context) -> pb.GetTicketKeysResponse:
        return pb.GetTicketKeysResponse(jwks_json=await self._reads.jwks())

    async def ListHolds(self, request: pb.ListHoldsRequest, context: Context) -> pb.ListHoldsResponse:
        if request.key_prefixes:
            page = await self._reads.holds(request.key_prefixes)
        else:
            between = (request.after_key, request.until_key)
            page = await self._reads.holds_between(*between, size=request.page_size, token=request.page_token)
        return pb.ListHoldsResponse(holds=map(standing_message, page.items), next_page_token=page.next_token)

    async def CheckInvariants(
        self, request: invariants_pb2.CheckInvariantsRequest, context: Context
    ) -> invariants_pb2.CheckInvariantsResponse:
        report = await self._watch.look(grace_s=request.grace_s)
        return invariants_pb2.CheckInvariantsResponse(**report.message(now=utc_now()))


def _confirmed(tickets: Sequence[SignedTicket]) -> pb.ConfirmSeatsResponse:
    return pb.ConfirmSeatsResponse(tickets=map(ticket_message, tickets))


def _reserve_outcome(outcome: Hold | Refusal) -> pb.ReserveSeatsOutcome:
    if isinstance(outcome, Refusal):
        return pb.ReserveSeatsOutcome(refused=refused(outcome))
    return pb.ReserveSeatsOutcome(hold=hold_message(outcome))


def _confirm_outcome(outcome: Sequence[SignedTicket] | Refusal) -> pb.ConfirmSeatsOutcome:
    if isinstance(outcome, Refusal):
        return pb.ConfirmSeatsOutcome(refused=refused(outcome))
    return pb.ConfirmSeatsOutcome(confirmed=_confirmed(outcome))
