"""Which facts become which mails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from google.protobuf.message import Message

from protos.gen import event_pb2, money_pb2, ticket_pb2
from protos.gen import messages_pb2 as messages
from services.email_worker.consumer import FactsConsumer, MailPolicy
from services.email_worker.domain import Kind, Mail, State
from services.email_worker.handlers import MailHandlers
from services.kit.bus.facts import Fact
from services.kit.ids import new_id
from services.kit.money import Money
from tests.twins.mail_store import MemoryMailStore
from tests.twins.mails import AT

WHO = {"booking_id": "b1", "user_id": "u1", "event_id": "e1"}


def fact(body: Message) -> Fact:
    kind = body.DESCRIPTOR.full_name
    return Fact(id=new_id(), topic="any", key="k", type=kind, body=body.SerializeToString(), time=AT)


def confirmed(booking_id: str = "b1") -> Fact:
    place = ticket_pb2.Place(label="Floor, standing", price=money_pb2.Money(minor=1250, currency="EUR"))
    ticket = ticket_pb2.Ticket(ticket_id="t1", event_id="e1", place=place, qr_payload="a.b.c")
    total = money_pb2.Money(minor=1250, currency="EUR")
    who = WHO | {"booking_id": booking_id}
    return fact(messages.BookingConfirmed(**who, tickets=[ticket], total=total))


class Desk:
    """A consumer over a store in memory, and what it wrote."""

    def __init__(self, *, rejections: bool = False) -> None:
        self.store, self.woken = MemoryMailStore(), 0
        policy = MailPolicy(domain="example.com", rejections=rejections, reminder_after=timedelta(seconds=60))
        self._consumer = FactsConsumer(MailHandlers(self.store), policy, lambda: AT, wake=self._wake)

    def _wake(self) -> None:
        self.woken += 1

    async def hears(self, *facts: Fact) -> Sequence[Mail]:
        await self._consumer.handle(facts)
        return list(self.store.state.mails.values())


async def test_a_confirmed_booking_becomes_one_mail_with_its_tickets() -> None:
    desk = Desk()

    [mail] = await desk.hears(confirmed())

    assert (mail.kind, mail.state, mail.due_at) == (Kind.TICKETS, State.WAITING, AT)
    assert [one.qr for one in mail.details.tickets] == ["a.b.c"]
    assert mail.details.total == Money(1250, "EUR")
    assert desk.woken == 1


async def test_the_same_fact_twice_is_one_mail_and_so_are_two_facts_of_the_same_thing() -> None:
    desk, twice = Desk(), confirmed()

    await desk.hears(twice)
    await desk.hears(twice, confirmed())

    assert len(desk.store.state.mails) == 1


async def test_the_message_id_is_the_same_even_for_a_worker_that_lost_its_memory() -> None:
    [first], [second] = await Desk().hears(confirmed()), await Desk().hears(confirmed())

    assert first.message_id == second.message_id
    assert first.message_id.endswith("@example.com>")


async def test_a_reminder_to_pay_waits_and_is_withdrawn_once_the_booking_is_decided() -> None:
    desk = Desk()

    [reminder] = await desk.hears(fact(messages.BookingAwaitingPayment(**WHO)))
    reminder, tickets = await desk.hears(confirmed())

    assert reminder.due_at == AT + timedelta(seconds=60)
    assert reminder.state is State.WITHDRAWN
    assert tickets.state is State.WAITING


async def test_a_rejection_is_mailed_only_when_wanted_and_of_use() -> None:
    declined = fact(messages.BookingRejected(**WHO, reason="card-declined"))
    taken = fact(messages.BookingRejected(**WHO, reason="seat-taken"))

    assert await Desk().hears(declined) == []
    assert await Desk(rejections=True).hears(taken) == []
    assert [mail.kind for mail in await Desk(rejections=True).hears(declined)] == [Kind.REJECTED]


async def test_a_cancellation_names_the_refund_if_there_is_one() -> None:
    money = money_pb2.Money(minor=1250, currency="EUR")

    [paid] = await Desk().hears(fact(messages.BookingCancelled(**WHO, refunded=money)))
    [unpaid] = await Desk().hears(fact(messages.BookingCancelled(**WHO, refunded=money_pb2.Money())))

    assert paid.details.refunded == Money(1250, "EUR")
    assert unpaid.details.refunded is None


async def test_names_and_titles_are_one_line_without_control_characters() -> None:
    desk = Desk()
    venue = event_pb2.Venue(name="Hall\x00\r\nBcc: x", city="Ulm", timezone="Europe/Berlin")

    await desk.hears(
        fact(messages.UserRegistered(user_id="u1", email="ada@example.com", name="Ada\u202e\r\nBcc: x")),
        fact(messages.EventPublished(event=event_pb2.Event(event_id="e1", title="A\tB" * 500, venue=venue))),
    )

    assert desk.store.state.recipients["u1"].name == "Ada Bcc: x"
    assert desk.store.state.recipients["u1"].language == "en"
    assert desk.store.state.shows["e1"].venue == "Hall Bcc: x"
    assert len(desk.store.state.shows["e1"].title) == 300


async def test_facts_of_no_interest_are_passed_over() -> None:
    desk = Desk()

    assert await desk.hears(fact(messages.PaymentSucceeded(payment_id="p1"))) == []
    assert desk.woken == 0
