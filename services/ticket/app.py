"""Composition root of ticket."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from protos.gen import ticket_pb2_grpc
from services.kit.bus.kafka import KafkaConsumer, KafkaPublisher
from services.kit.bus.ping import ping as ping_kafka
from services.kit.clock import utc_now
from services.kit.database.engine import open_engine
from services.kit.database.engine import ping as ping_postgres
from services.kit.database.relay import Relay
from services.kit.health import Check
from services.kit.process import App
from services.ticket.consumer import EventsConsumer
from services.ticket.handlers import TicketHandlers
from services.ticket.jobs import count, sweep
from services.ticket.reading import TicketReads
from services.ticket.repository.books import PostgresBooks
from services.ticket.repository.keys import PostgresKeys
from services.ticket.repository.store import PostgresStore
from services.ticket.servicer import TicketServicer
from services.ticket.settings import TicketSettings, decoded_seed
from services.ticket.signing import TicketSigner
from services.ticket.snapshots import Snapshots
from services.ticket.tables import OUTBOX
from services.ticket.watch import InventoryWatch


@asynccontextmanager
async def compose(settings: TicketSettings) -> AsyncIterator[App]:
    """Everything the ticket process serves and does."""
    engine = open_engine(settings)
    publisher = KafkaPublisher(settings, source="ticket")
    relay = Relay(engine, OUTBOX, publisher)
    store = PostgresStore(engine)
    signer = TicketSigner(PostgresKeys(engine), decoded_seed(settings.ticket_signing_key.get_secret_value()))
    handlers = TicketHandlers(store, signer, relay.wake, hold_lasts=timedelta(seconds=settings.hold_seconds))
    events = KafkaConsumer(settings, topics=["events"], group="ticket", publisher=publisher)
    books = PostgresBooks(engine)
    watch = InventoryWatch(books, handlers, utc_now)
    reads = TicketReads(store, Snapshots(store, time.monotonic), signer, books)
    servicer = TicketServicer(handlers, reads, watch)
    try:
        yield App(
            rpc={"ticket.TicketService": partial(ticket_pb2_grpc.add_TicketServiceServicer_to_server, servicer)},
            jobs={
                "events": events.run(EventsConsumer(handlers).handle),
                "relay": relay.run(),
                "sweep": sweep(handlers, every_s=settings.sweep_every_s),
                "count": count(handlers),
                "watch": watch.run(every_s=settings.watch_every_s),
            },
            checks={
                "postgres": Check(partial(ping_postgres, engine)),
                "kafka": Check(partial(ping_kafka, settings), required=False),
            },
        )
    finally:
        await publisher.close()
        await engine.dispose()
