"""Composition root of auth."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from protos.gen import auth_pb2_grpc
from services.auth.handlers import AuthHandlers, Policy
from services.auth.jobs import JwksBoard, make_admin, sweep
from services.auth.keyring import KeyRing
from services.auth.passwords import Argon2Passwords
from services.auth.repository import PostgresStore
from services.auth.servicer import AuthServicer
from services.auth.settings import AuthSettings
from services.auth.signing import KeySmith, derive
from services.auth.tables import OUTBOX
from services.auth.throttle import LenientThrottle, Limits, RedisThrottle
from services.kit.bus.kafka import KafkaPublisher
from services.kit.bus.ping import ping as ping_kafka
from services.kit.clock import utc_now
from services.kit.database import engine as database
from services.kit.database.relay import Relay
from services.kit.health import Check
from services.kit.process import App
from services.kit.redis import open_redis
from services.kit.redis import ping as ping_redis


@asynccontextmanager
async def compose(settings: AuthSettings) -> AsyncIterator[App]:
    """Everything the auth process serves and does."""
    async with AsyncExitStack() as stack:
        engine = database.open_engine(settings)
        stack.push_async_callback(engine.dispose)
        redis = open_redis(settings, name="auth")
        stack.push_async_callback(redis.aclose)
        publisher = KafkaPublisher(settings, source="auth")
        stack.push_async_callback(publisher.close)
        passwords = Argon2Passwords.of(settings)
        stack.callback(passwords.close)

        store, relay = PostgresStore(engine), Relay(engine, OUTBOX, publisher)
        derived = derive(settings.auth_key_secret.get_secret_value())
        keys = key_ring(store, derived.sealing, settings)
        throttle = LenientThrottle(RedisThrottle(redis, derived.throttling, Limits.of(settings), utc_now))
        policy = Policy(
            organisers_may_sign_up=settings.organiser_signup == "open",
            refresh_lasts_s=settings.refresh_token_lasts_s,
        )
        handlers = AuthHandlers(store, passwords, throttle, keys, utc_now, policy=policy, outbox_grew=relay.wake)
        board = JwksBoard(redis, keys.jwks)
        servicer = AuthServicer(handlers, keys, keys_changed=board.wake)
        yield App(
            rpc={"auth.AuthService": partial(auth_pb2_grpc.add_AuthServiceServicer_to_server, servicer)},
            jobs={
                "outbox": relay.run(),
                "jwks": board.run(),
                "admin": make_admin(handlers, settings),
                "sweep": sweep(store, utc_now),
            },
            checks={
                "postgres": Check(partial(database.ping, engine)),
                "signing-key": Check(keys.signer),
                # Without it nobody is throttled, and logins go on.
                "redis": Check(partial(ping_redis, redis), required=False),
                "kafka": Check(partial(ping_kafka, settings), required=False),
            },
        )


def key_ring(store: PostgresStore, sealing_key: bytes, settings: AuthSettings) -> KeyRing:
    smith = KeySmith(sealing_key, access_lasts_s=settings.access_token_lasts_s)
    return KeyRing(
        store,
        smith,
        utc_now,
        access_lasts_s=settings.access_token_lasts_s,
        lead_s=settings.auth_key_lead_s,
    )
