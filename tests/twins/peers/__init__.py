"""The six peers of the gateway as one gRPC server: small services in memory, with the refusals of the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from protos.gen import (
    auth_pb2_grpc,
    booking_pb2_grpc,
    event_pb2_grpc,
    payment_pb2_grpc,
    ticket_pb2_grpc,
    user_pb2_grpc,
)
from services.kit.rpc.server import RpcServer
from tests.twins.peers.auth import AuthTwin, Issuer
from tests.twins.peers.events import EventTwin
from tests.twins.peers.sales import BookingTwin, PaymentTwin, TicketTwin
from tests.twins.peers.users import UserTwin


class Peers:
    """All six, and the address they share."""

    def __init__(self) -> None:
        self.issuer = Issuer()
        self.auth = AuthTwin(self.issuer)  # type: ignore[abstract]  # it answers what the gateway asks
        self.user = UserTwin()
        self.event = EventTwin()
        self.ticket = TicketTwin(self.event)  # type: ignore[abstract]  # it answers what the gateway asks
        self.booking = BookingTwin()  # type: ignore[abstract]  # it answers what the gateway asks
        self.payment = PaymentTwin()  # type: ignore[abstract]  # it answers what the gateway asks
        self.port = 0

    def settings(self) -> dict[str, str]:
        """Keyword arguments that point the gateway's settings here."""
        names = ("auth", "user", "event", "ticket", "booking", "payment")
        return {f"{name}_service_url": f"127.0.0.1:{self.port}" for name in names}


@asynccontextmanager
async def running_peers(port: int = 0) -> AsyncIterator[Peers]:
    peers = Peers()
    server = RpcServer(
        f"127.0.0.1:{port}",
        [
            ("auth.AuthService", lambda to: auth_pb2_grpc.add_AuthServiceServicer_to_server(peers.auth, to)),
            ("user.UserService", lambda to: user_pb2_grpc.add_UserServiceServicer_to_server(peers.user, to)),
            ("event.EventService", lambda to: event_pb2_grpc.add_EventServiceServicer_to_server(peers.event, to)),
            ("ticket.TicketService", lambda to: ticket_pb2_grpc.add_TicketServiceServicer_to_server(peers.ticket, to)),
            (
                "booking.BookingService",
                lambda to: booking_pb2_grpc.add_BookingServiceServicer_to_server(peers.booking, to),
            ),
            (
                "payment.PaymentService",
                lambda to: payment_pb2_grpc.add_PaymentServiceServicer_to_server(peers.payment, to),
            ),
        ],
    )
    peers.port = server.port
    await server.start()
    await server.set_ready(ready=True)
    try:
        yield peers
    finally:
        await server.stop(0.1)
