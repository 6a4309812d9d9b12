"""Composition root of event."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from protos.gen import auth_pb2, auth_pb2_grpc, event_pb2_grpc
from services.event.handlers import EventHandlers
from services.event.repository import PostgresStore
from services.event.servicer import EventServicer
from services.event.settings import EventSettings
from services.event.tables import OUTBOX
from services.kit.bus.kafka import KafkaPublisher
from services.kit.bus.ping import ping as ping_kafka
from services.kit.clock import utc_now
from services.kit.database.engine import open_engine
from services.kit.database.engine import ping as ping_postgres
from services.kit.database.relay import Relay
from services.kit.health import Check
from services.kit.process import App
from services.kit.rpc.client import Peer
from services.kit.rpc.persons import persons_of


@asynccontextmanager
async def compose(settings: EventSettings) -> AsyncIterator[App]:
    """Everything the event process serves and does."""
    engine = open_engine(settings)
    publisher = KafkaPublisher(settings, source="event")
    relay = Relay(engine, OUTBOX, publisher)
    servicer = EventServicer(EventHandlers(PostgresStore(engine), utc_now, relay.wake))
    auth = Peer(
        "auth",
        settings.auth_service_url,
        auth_pb2_grpc.AuthServiceStub,
        service="auth.AuthService",
        idempotent=["GetJwks"],
        security=settings.security,
    )
    keys = auth_pb2.GetJwksRequest()
    try:
        async with auth:
            yield App(
                rpc={"event.EventService": partial(event_pb2_grpc.add_EventServiceServicer_to_server, servicer)},
                persons=persons_of(settings.security, lambda: auth.call(auth.stub.GetJwks, keys)),
                jobs={"relay": relay.run()},
                checks={
                    "postgres": Check(partial(ping_postgres, engine)),
                    "kafka": Check(partial(ping_kafka, settings), required=False),
                },
            )
    finally:
        await publisher.close()
        await engine.dispose()
