"""Composition root of booking."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

from protos.gen import booking_pb2_grpc, payment_pb2_grpc, ticket_pb2_grpc
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
        for peer in (ticket, payment):
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
        servicer = BookingServicer(handlers, BookingReads(books), watch)
        yield App(
            rpc={"booking.BookingService": partial(booking_pb2_grpc.add_BookingServiceServicer_to_server, servicer)},
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
