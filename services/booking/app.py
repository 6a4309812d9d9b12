"""Composition root of booking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from protos.gen import auth_pb2, auth_pb2_grpc, booking_pb2_grpc, payment_pb2_grpc, ticket_pb2_grpc
from services.booking.books import PostgresBooks
from services.booking.clients import PaymentClient, TicketClient
from services.booking.conductor import Conductor
from services.booking.consumer import FactsConsumer
from services.booking.handlers import BookingHandlers
from services.booking.others import OtherBooks
from services.booking.reading import BookingReads, forget
from services.booking.repository import PostgresStore
from services.booking.saga import Peers
from services.booking.servicer import BookingServicer
from services.booking.settings import BookingSettings
from services.booking.tables import OUTBOX
from services.booking.watch import BookingWatch
from services.kit.bus.kafka import KafkaConsumer, KafkaPublisher
from services.kit.bus.ping import ping as ping_kafka
from services.kit.clock import utc_now
from services.kit.database.engine import open_engine
from services.kit.database.engine import ping as ping_postgres
from services.kit.database.relay import Relay
from services.kit.health import Check
from services.kit.ids import new_id
from services.kit.process import App
from services.kit.rpc.client import Peer
from services.kit.rpc.persons import persons_of

if TYPE_CHECKING:
    from protos.gen.auth_pb2_grpc import AuthServiceAsyncStub
    from services.booking.proofs import Proofs

TICKET = "ticket.TicketService"
PAYMENT = "payment.PaymentService"


@asynccontextmanager
async def compose(settings: BookingSettings) -> AsyncIterator[App]:
    """Everything the booking process serves and does."""
    async with AsyncExitStack() as stack:
        engine = open_engine(settings)
        stack.push_async_callback(engine.dispose)
        publisher = KafkaPublisher(settings, source="booking")
        stack.push_async_callback(publisher.close)
        ticket = Peer(
            "ticket",
            settings.ticket_service_url,
            ticket_pb2_grpc.TicketServiceStub,
            service=TICKET,
            security=settings.security,
        )
        payment = Peer(
            "payment",
            settings.payment_service_url,
            payment_pb2_grpc.PaymentServiceStub,
            service=PAYMENT,
            security=settings.security,
        )
        auth = Peer(
            "auth",
            settings.auth_service_url,
            auth_pb2_grpc.AuthServiceStub,
            service="auth.AuthService",
            idempotent=["GetJwks"],
            security=settings.security,
        )
        for peer in (ticket, payment, auth):
            await stack.enter_async_context(peer)

        store = PostgresStore(engine, me=f"{settings.instance_id}/{new_id()}")
        relay = Relay(engine, OUTBOX, publisher)
        window = timedelta(seconds=settings.payment_window_s)
        peers = Peers(TicketClient(ticket), PaymentClient(payment), utc_now, window)
        conductor = Conductor(store, peers, committed=relay.wake, max_running=settings.max_running)
        handlers = BookingHandlers(store, conductor, peers.payments, utc_now)
        topics = ["payments", "mails", "events"]
        facts = KafkaConsumer(settings, topics=topics, group="booking", publisher=publisher)
        books = PostgresBooks(engine)
        checked = timedelta(seconds=settings.watch_window_s)
        watch = BookingWatch(books, OtherBooks(ticket, payment), utc_now, committed=relay.wake, window=checked)
        proofs = _proofs(settings, auth)
        servicer = BookingServicer(handlers, BookingReads(books), watch, proofs=proofs)
        persons = persons_of(settings.security, partial(_keys, auth), proofs.owner if proofs else None)
        yield App(
            rpc={"booking.BookingService": partial(booking_pb2_grpc.add_BookingServiceServicer_to_server, servicer)},
            persons=persons,
            jobs={
                "relay": relay.run(),
                "take-up": conductor.take_up(),
                "renew": conductor.renew(),
                "unpaid": handlers.watch_unpaid(),
                "facts": facts.run(FactsConsumer(handlers, books).handle),
                "watch": watch.run(every_s=settings.watch_every_s),
                "forget": forget(books, utc_now, kept=timedelta(days=settings.timeline_days)),
            },
            checks={
                "postgres": Check(partial(ping_postgres, engine)),
                "kafka": Check(partial(ping_kafka, settings), required=False),
            },
        )


async def _keys(auth: Peer[AuthServiceAsyncStub]) -> auth_pb2.GetJwksResponse:
    return await auth.call(auth.stub.GetJwks, auth_pb2.GetJwksRequest())


def _proofs(settings: BookingSettings, auth: Peer[AuthServiceAsyncStub]) -> Proofs | None:
    if settings.mesh_mtls == "off":
        return None
    # Imported here: a process whose mesh is off need not pay for the library, which takes 8 MB.
    from services.booking.proofs import Proofs

    async def jwks() -> str:
        return (await _keys(auth)).jwks_json

    return Proofs(jwks, required=settings.mesh_mtls == "strict")
