"""Composition root of email-worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import parseaddr
from functools import partial

from services.email_worker.consumer import TOPICS, FactsConsumer, MailPolicy
from services.email_worker.handlers import MailHandlers
from services.email_worker.keeper import Keeper
from services.email_worker.letters import Letters
from services.email_worker.repository import PostgresStore
from services.email_worker.sender import Sender
from services.email_worker.settings import EmailWorkerSettings
from services.email_worker.smtp import SmtpCheck, SmtpLane
from services.email_worker.tables import OUTBOX
from services.kit.bus.kafka import KafkaConsumer, KafkaPublisher
from services.kit.bus.ping import ping as ping_kafka
from services.kit.clock import utc_now
from services.kit.database.engine import open_engine
from services.kit.database.engine import ping as ping_postgres
from services.kit.database.relay import Relay
from services.kit.health import Check
from services.kit.process import App


@asynccontextmanager
async def compose(settings: EmailWorkerSettings) -> AsyncIterator[App]:
    """Everything the email-worker process does."""
    engine = open_engine(settings)
    publisher = KafkaPublisher(settings, source="email-worker")
    store = PostgresStore(engine, sender=settings.instance_id)
    letters = Letters(sender=settings.mail_from, site_url=settings.mail_site_url)
    lanes = [SmtpLane(settings) for _ in range(settings.mail_connections)]
    relay = Relay(engine, OUTBOX, publisher)
    sender = Sender(store, letters.render, lanes, utc_now, committed=relay.wake)
    policy = MailPolicy(
        domain=parseaddr(settings.mail_from)[1].rpartition("@")[2],
        rejections=settings.mail_rejections,
        reminder_after=timedelta(seconds=settings.mail_payment_reminder_s),
    )
    facts = FactsConsumer(MailHandlers(store), policy, utc_now, wake=sender.wake)
    bus = KafkaConsumer(settings, topics=TOPICS, group="email-worker", publisher=publisher)
    try:
        yield App(
            jobs={
                "facts": bus.run(facts.handle),
                "sender": sender.run(),
                "relay": relay.run(),
                "keeper": Keeper(store, utc_now).run(),
            },
            checks={
                "postgres": Check(partial(ping_postgres, engine)),
                # Facts wait at the broker; mails that are due go out meanwhile.
                "kafka": Check(partial(ping_kafka, settings), required=False),
                "mail-server": Check(SmtpCheck(settings).ping, required=False),
            },
            on_drain=sender.stop,
        )
    finally:
        await publisher.close()
        await engine.dispose()
