"""Composition root of payment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from protos.gen import auth_pb2, auth_pb2_grpc, payment_pb2_grpc, realtime_pb2_grpc
from services.kit.bus.kafka import KafkaPublisher
from services.kit.bus.ping import ping as ping_kafka
from services.kit.clock import utc_now
from services.kit.database.engine import open_engine
from services.kit.database.engine import ping as ping_postgres
from services.kit.database.relay import Relay
from services.kit.health import Check
from services.kit.process import App, Job
from services.kit.rpc.client import Peer
from services.kit.rpc.persons import persons_of
from services.payment.books import PostgresBooks
from services.payment.clients import RealtimeBuyers
from services.payment.handlers import PaymentHandlers
from services.payment.ledger import Ledger
from services.payment.ports import Psp
from services.payment.psp.buyer import SandboxBuyers
from services.payment.psp.deliveries import Deliveries
from services.payment.psp.faults import FaultDesk
from services.payment.psp.sandbox import SandboxPsp
from services.payment.psp.troubled import TroubledPsp
from services.payment.reading import PaymentReads
from services.payment.repository import PostgresStore
from services.payment.routes.faults import FaultRoutes
from services.payment.routes.problems import problems
from services.payment.routes.sandbox import SandboxRoutes
from services.payment.routes.webhooks import MAX_BODY, WebhookRoutes
from services.payment.servicer import PaymentServicer
from services.payment.settings import PaymentSettings
from services.payment.settling import Settling
from services.payment.tables import OUTBOX
from services.payment.watch import PspWatch

log = structlog.get_logger()


@asynccontextmanager
async def compose(settings: PaymentSettings) -> AsyncIterator[App]:
    """Everything the payment process serves and does."""
    engine = open_engine(settings)
    publisher = KafkaPublisher(settings, source="payment")
    relay = Relay(engine, OUTBOX, publisher)
    realtime = Peer(
        "realtime",
        settings.realtime_service_url,
        realtime_pb2_grpc.RealtimeServiceStub,
        service="realtime.RealtimeService",
        idempotent=["NotifyPaymentStatus"],
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
    buyers, keys = RealtimeBuyers(realtime), auth_pb2.GetJwksRequest()
    provider = _stripe(settings) if settings.payment_provider == "stripe" else _sandbox(settings, engine)
    store = PostgresStore(engine)
    ledger = Ledger(store, provider.psp, utc_now, relay.wake)
    settling = Settling(store, ledger, provider.psp, buyers, utc_now)
    books = PostgresBooks(engine)
    window = timedelta(seconds=settings.watch_window_s)
    watch = PspWatch(books, provider.psp, settling.settle_event, utc_now, window=window)
    handlers = PaymentHandlers(store, ledger, utc_now, provider=provider.psp.provider)
    servicer = PaymentServicer(handlers, PaymentReads(books), watch)
    WebhookRoutes(provider.psp, settling, utc_now).add_to(provider.pages)
    try:
        async with realtime, auth:
            yield App(
                rpc={
                    "payment.PaymentService": partial(payment_pb2_grpc.add_PaymentServiceServicer_to_server, servicer)
                },
                persons=persons_of(settings.security, lambda: auth.call(auth.stub.GetJwks, keys)),
                http=provider.pages,
                jobs={
                    "relay": relay.run(),
                    "events": settling.run_events(),
                    "abandoned": settling.run_abandoned(),
                    "watch": watch.run(every_s=settings.watch_every_s),
                    **provider.jobs,
                },
                checks={
                    "postgres": Check(partial(ping_postgres, engine)),
                    "kafka": Check(partial(ping_kafka, settings), required=False),
                    **provider.checks,
                },
            )
    finally:
        await provider.psp.close()
        await publisher.close()
        await engine.dispose()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    """A PSP with what it brings along."""

    psp: Psp
    checks: Mapping[str, Check]
    jobs: Mapping[str, Job] = field(default_factory=dict)
    pages: web.Application = field(
        default_factory=lambda: web.Application(middlewares=[problems], client_max_size=MAX_BODY)
    )


def _sandbox(settings: PaymentSettings, engine: AsyncEngine) -> _Provider:
    log.warning("sandbox_moves_no_money", payment_provider="sandbox", instead="PAYMENT_PROVIDER=stripe")
    desk = FaultDesk()
    url = f"http://127.0.0.1:{settings.port('http')}/webhooks/stripe"
    deliveries = Deliveries(engine, utc_now, url=url, desk=desk)
    sandbox = SandboxPsp(
        engine,
        deliveries,
        utc_now,
        public_url=settings.public_url,
        timeout_s=settings.psp_timeout_s,
        patience_s=settings.psp_patience_s,
    )
    psp = TroubledPsp(sandbox, desk, timeout_s=settings.psp_timeout_s)
    # A component of the health page, for whoever looks there only: its name is the message.
    checks = {"psp-sandbox-moves-no-money": Check(psp.ping, required=False)}
    provider = _Provider(psp=psp, checks=checks, jobs={"deliveries": deliveries.run()})
    SandboxRoutes(SandboxBuyers(engine, deliveries), public_url=settings.public_url).add_to(provider.pages)
    FaultRoutes(desk).add_to(provider.pages)
    return provider


def _stripe(settings: PaymentSettings) -> _Provider:
    # Imported here: a process with the sandbox need not pay for the library.
    from services.payment.psp.stripe import StripePsp

    psp = StripePsp(settings)
    return _Provider(psp=psp, checks={"stripe": Check(psp.ping, required=False)})
