"""email-worker as buyers meet it: facts on a real bus become mails in a real mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiohttp import ClientSession
from google.protobuf.message import Message
from sqlalchemy import text

from protos.gen import event_pb2, money_pb2, ticket_pb2
from protos.gen import messages_pb2 as messages
from services.email_worker.app import compose
from services.email_worker.settings import EmailWorkerSettings
from services.kit.bus.facts import Fact
from services.kit.bus.kafka import KafkaPublisher
from services.kit.database.engine import open_engine, transaction
from services.kit.ids import new_id
from services.local.mailbox.catcher import catching
from services.local.mailbox.letter import Letter
from services.local.mailbox.shelf import Shelf
from tests.conftest import Stores
from tests.ports import free_port
from tests.running import running
from tests.twins.mails import body, opened, pictures

PATIENCE_S = 45
TOPIC = {"UserRegistered": "users", "EventPublished": "events"}


class Buyer:
    """Somebody nobody else knows, with a booking of two tickets for an event of his own."""

    def __init__(self, publisher: KafkaPublisher) -> None:
        self._publisher = publisher
        self.user_id, self.event_id, self.booking_id = new_id(), new_id(), new_id()
        self.email = f"{self.user_id}@example.com"

    def friend(self) -> Buyer:
        return Buyer(self._publisher)

    async def registers(self) -> None:
        who = messages.UserRegistered(user_id=self.user_id, email=self.email, name="Jürgen", language="de")
        await self.publish(self.fact(who, self.user_id))

    async def finds_an_event(self) -> None:
        venue = event_pb2.Venue(name="Minster", city="Ulm", timezone="Europe/Berlin")
        event = event_pb2.Event(event_id=self.event_id, title="Night of the Organ", venue=venue)
        event.starts_at.FromDatetime(datetime(2030, 6, 14, 18, tzinfo=UTC))
        await self.publish(self.fact(messages.EventPublished(event=event), self.event_id))

    def confirmed(self) -> Fact:
        price = money_pb2.Money(minor=1250, currency="EUR")
        tickets = [
            ticket_pb2.Ticket(
                ticket_id=f"t{number}",
                event_id=self.event_id,
                place=ticket_pb2.Place(label=f"Section A, row 3, seat {number}", price=price),
                qr_payload=f"header.{'payload' * 30}.{number}",
            )
            for number in (1, 2)
        ]
        who = {"booking_id": self.booking_id, "user_id": self.user_id, "event_id": self.event_id}
        total = money_pb2.Money(minor=2500, currency="EUR")
        return self.fact(messages.BookingConfirmed(**who, tickets=tickets, total=total), self.booking_id)

    async def publish(self, *facts: Fact) -> None:
        await self._publisher.publish(facts)

    @staticmethod
    def fact(message: Message, key: str) -> Fact:
        kind = message.DESCRIPTOR
        topic = TOPIC.get(kind.name, "bookings")
        at = datetime.now(UTC)
        return Fact(id=new_id(), topic=topic, key=key, type=kind.full_name, body=message.SerializeToString(), time=at)


@pytest.fixture
async def buyer(stores: Stores) -> AsyncIterator[Buyer]:
    publisher = KafkaPublisher(EmailWorkerSettings(**stores.settings()), source="test")
    yield Buyer(publisher)
    await publisher.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "mails")


@pytest.fixture
def smtp_port() -> int:
    return free_port()


@asynccontextmanager
async def worker(stores: Stores, smtp_port: int) -> AsyncIterator[EmailWorkerSettings]:
    """email-worker, which looks for its mail server on that port."""
    async with running(EmailWorkerSettings, compose, stores, mail_host="127.0.0.1", mail_port=smtp_port) as settings:
        yield settings


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - the world outside has no Event to wait for
            await asyncio.sleep(0.05)


async def until_async(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)


def letters(shelf: Shelf, buyer: Buyer) -> Sequence[Letter]:
    return shelf.after("", to=buyer.email, limit=100)


def mails(shelf: Shelf, buyer: Buyer) -> Sequence[EmailMessage]:
    return [opened(shelf.read(letter)) for letter in letters(shelf, buyer)]


async def mail_state(settings: EmailWorkerSettings, buyer: Buyer) -> str:
    engine = open_engine(settings)
    async with transaction(engine) as tx:
        query = text("SELECT state || ' ' || reason FROM mails WHERE booking_id = :booking_id")
        found = await tx.scalar(query, {"booking_id": buyer.booking_id})
    await engine.dispose()
    return str(found or "").strip()


async def test_a_confirmed_booking_is_one_mail_with_text_html_and_a_qr_code_a_ticket(
    stores: Stores, shelf: Shelf, smtp_port: int, buyer: Buyer
) -> None:
    async with catching(shelf, host="127.0.0.1", port=smtp_port), worker(stores, smtp_port) as settings:
        await buyer.registers()
        await buyer.finds_an_event()
        twice = buyer.confirmed()
        await buyer.publish(twice, twice, buyer.confirmed())
        await until(lambda: len(mails(shelf, buyer)) > 0)
        # Who is published after the repetitions and was mailed: so they were seen, and did nothing.
        other = buyer.friend()
        await other.registers()
        await other.finds_an_event()
        await other.publish(other.confirmed())
        await until(lambda: len(mails(shelf, other)) > 0)
        assert await mail_state(settings, buyer) == "sent"

    [mail] = mails(shelf, buyer)
    assert mail["Subject"] == "Ihre Tickets für Night of the Organ"
    assert mail["X-Booking-Id"] == buyer.booking_id
    assert "Section A, row 3, seat 2 - 12,50 EUR" in body(mail, "plain")
    assert "Freitag, 14. Juni 2030, 20:00 Uhr" in body(mail, "html")
    assert len(pictures(mail)) == 2
    assert all(part.get_content().startswith(b"\x89PNG\r\n") for part in pictures(mail))


async def test_a_booking_that_is_heard_of_before_its_buyer_is_mailed_when_he_is_known(
    stores: Stores, shelf: Shelf, smtp_port: int, buyer: Buyer
) -> None:
    async with catching(shelf, host="127.0.0.1", port=smtp_port), worker(stores, smtp_port) as settings:
        await buyer.publish(buyer.confirmed())

        async def waits() -> bool:
            return await mail_state(settings, buyer) == "waiting facts"

        await until_async(waits)
        await buyer.finds_an_event()
        await buyer.registers()

        await until(lambda: len(mails(shelf, buyer)) == 1)


async def test_mails_wait_for_a_server_that_is_away_and_health_says_so(
    stores: Stores, shelf: Shelf, smtp_port: int, buyer: Buyer
) -> None:
    async with worker(stores, smtp_port) as settings:
        await buyer.registers()
        await buyer.finds_an_event()
        await buyer.publish(buyer.confirmed())

        async def waits() -> bool:
            return (await mail_state(settings, buyer)) in ("waiting", "sending")

        await until_async(waits)
        async with ClientSession() as http, http.get(f"http://127.0.0.1:{settings.metrics_port}/health") as reply:
            health = await reply.json()
        assert (reply.status, health["status"]) == (200, "UP")
        assert health["components"]["mail-server"]["status"] == "DOWN"
        assert mails(shelf, buyer) == []

        async with catching(shelf, host="127.0.0.1", port=smtp_port):
            await until(lambda: len(mails(shelf, buyer)) == 1)


async def test_a_mail_whose_sender_died_before_its_note_comes_again_with_the_same_message_id(
    stores: Stores, shelf: Shelf, smtp_port: int, buyer: Buyer
) -> None:
    async with catching(shelf, host="127.0.0.1", port=smtp_port), worker(stores, smtp_port) as settings:
        await buyer.registers()
        await buyer.finds_an_event()
        await buyer.publish(buyer.confirmed())
        await until(lambda: len(mails(shelf, buyer)) == 1)

        async def noted() -> bool:
            return await mail_state(settings, buyer) == "sent"

        await until_async(noted)
        await forget_the_note(settings, buyer)
        await until(lambda: [letter.deliveries for letter in letters(shelf, buyer)] == [2])

    # The mailbox shows one: the second had its Message-ID.
    [letter] = shelf.repeated(limit=9)
    assert letter.message_id == mails(shelf, buyer)[0]["Message-ID"]


async def forget_the_note(settings: EmailWorkerSettings, buyer: Buyer) -> None:
    """As a crash between the server's word and ours would have left it, when the lease has ended."""
    engine = open_engine(settings)
    async with transaction(engine) as tx:
        lost = "UPDATE mails SET state = 'sending', due_at = now(), settled_at = NULL WHERE booking_id = :booking_id"
        await tx.execute(text(lost), {"booking_id": buyer.booking_id})
    await engine.dispose()
