"""Composition root of user."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from protos.gen import auth_pb2, auth_pb2_grpc, user_pb2_grpc
from services.kit.bus.kafka import KafkaConsumer, KafkaPublisher
from services.kit.bus.ping import ping as ping_kafka
from services.kit.clock import utc_now
from services.kit.database.engine import open_engine
from services.kit.database.engine import ping as ping_postgres
from services.kit.health import Check
from services.kit.process import App
from services.kit.rpc.client import Peer
from services.kit.rpc.persons import persons_of
from services.user.consumer import UsersConsumer
from services.user.handlers import UserHandlers
from services.user.repository import PostgresStore
from services.user.servicer import UserServicer
from services.user.settings import UserSettings


@asynccontextmanager
async def compose(settings: UserSettings) -> AsyncIterator[App]:
    """Everything the user process serves and does."""
    engine = open_engine(settings)
    publisher = KafkaPublisher(settings, source="user")
    handlers = UserHandlers(PostgresStore(engine), utc_now)
    users = KafkaConsumer(settings, topics=["users"], group="user", publisher=publisher)
    servicer = UserServicer(handlers)
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
                rpc={"user.UserService": partial(user_pb2_grpc.add_UserServiceServicer_to_server, servicer)},
                persons=persons_of(settings.security, lambda: auth.call(auth.stub.GetJwks, keys)),
                jobs={"users": users.run(UsersConsumer(handlers).handle)},
                checks={
                    "postgres": Check(partial(ping_postgres, engine)),
                    "kafka": Check(partial(ping_kafka, settings), required=False),
                },
            )
    finally:
        await publisher.close()
        await engine.dispose()
