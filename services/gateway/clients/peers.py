"""The six peers of the gateway, and whether each of them answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from protos.gen.auth_pb2_grpc import AuthServiceStub
from protos.gen.booking_pb2_grpc import BookingServiceStub
from protos.gen.event_pb2_grpc import EventServiceStub
from protos.gen.payment_pb2_grpc import PaymentServiceStub
from protos.gen.ticket_pb2_grpc import TicketServiceStub
from protos.gen.user_pb2_grpc import UserServiceStub
from services.gateway.settings import GatewaySettings
from services.kit.health import Check
from services.kit.rpc.client import Peer

if TYPE_CHECKING:
    from protos.gen.auth_pb2_grpc import AuthServiceAsyncStub
    from protos.gen.booking_pb2_grpc import BookingServiceAsyncStub
    from protos.gen.event_pb2_grpc import EventServiceAsyncStub
    from protos.gen.payment_pb2_grpc import PaymentServiceAsyncStub
    from protos.gen.ticket_pb2_grpc import TicketServiceAsyncStub
    from protos.gen.user_pb2_grpc import UserServiceAsyncStub


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    auth: Peer[AuthServiceAsyncStub]
    event: Peer[EventServiceAsyncStub]
    ticket: Peer[TicketServiceAsyncStub]
    booking: Peer[BookingServiceAsyncStub]
    payment: Peer[PaymentServiceAsyncStub]
    user: Peer[UserServiceAsyncStub]
    # Peer → whether it answers; reported, but the gateway is ready without them: it says what is away in each answer.
    checks: dict[str, Check]


@asynccontextmanager
async def open_peers(settings: GatewaySettings) -> AsyncIterator[Peers]:
    """A channel to each; none connects before it is used."""
    checks: dict[str, Check] = {}
    async with AsyncExitStack() as stack:

        async def opened[Stub](
            name: str, url: str, stub: Callable[[grpc.aio.Channel], Stub], *idempotent: str
        ) -> Peer[Stub]:
            service = f"{name}.{name.capitalize()}Service"
            peer = Peer(name, url, stub, service=service, idempotent=idempotent, security=settings.security)
            checks[name] = Check(peer.check, required=False)
            return await stack.enter_async_context(peer)

        yield Peers(
            # Not Login, which counts failures, nor Refresh, whose token works once.
            auth=await opened("auth", settings.auth_service_url, AuthServiceStub, "GetJwks", "Revoke", "ValidateToken"),
            event=await opened(
                "event",
                settings.event_service_url,
                EventServiceStub,
                *("GetVenue", "ListVenues", "GetEvent", "SearchEvents"),
                *("UpdateEvent", "DeleteEvent", "PublishEvent", "CancelEvent"),
            ),
            ticket=await opened(
                "ticket",
                settings.ticket_service_url,
                TicketServiceStub,
                *("GetAvailability", "GetPricing", "GetTicketKeys"),
            ),
            booking=await opened(
                "booking",
                settings.booking_service_url,
                BookingServiceStub,
                *("GetBooking", "GetUserBookings", "CancelBooking"),
            ),
            payment=await opened("payment", settings.payment_service_url, PaymentServiceStub, "GetPayment"),
            user=await opened(
                "user",
                settings.user_service_url,
                UserServiceStub,
                *("GetProfile", "CreateProfile", "UpdateProfile", "GetAddresses", "UpdateAddress", "DeleteAddress"),
            ),
            checks=checks,
        )
