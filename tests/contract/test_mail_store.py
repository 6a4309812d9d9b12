"""What a store of mails promises, held to by the twin and by PostgreSQL alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from protos.gen import messages_pb2 as messages
from services.email_worker.domain import (
    MISSING_FACTS_LOOK,
    Details,
    Kind,
    Leased,
    Mail,
    Outcome,
    ShowCancelled,
    State,
    before_sending,
    failed,
    postponed,
    sent,
)
from services.email_worker.ports import Store
from services.email_worker.repository import PostgresStore
from services.kit.database.engine import open_engine, transaction
from services.kit.ids import new_id
from services.kit.money import Money
from tests.conftest import Stores, database_settings
from tests.twins.mail_store import MemoryMailStore
from tests.twins.mails import AT, a_mail, a_recipient, a_show, a_ticket

LATER = AT + timedelta(minutes=5)


@pytest.fixture
async def store(real_stores: Stores | None) -> AsyncIterator[Store]:
    if real_stores is None:
        yield MemoryMailStore()
        return
    engine = open_engine(database_settings("email-worker", real_stores))
    async with transaction(engine) as tx:
        await tx.execute(text("TRUNCATE mails, recipients, shows"))
    yield PostgresStore(engine, sender="sender-1")
    await engine.dispose()


def as_another(store: Store) -> Store:
    """The same mails, as another sender has them."""
    if isinstance(store, MemoryMailStore):
        return store.of("sender-2")
    assert isinstance(store, PostgresStore)
    return PostgresStore(store._engine, sender="sender-2")


async def given(store: Store, *mails: Mail, facts: bool = True) -> None:
    async with store.transaction() as desk:
        if facts:
            await desk.know_recipients([a_recipient()])
            await desk.know_shows([a_show()])
        await desk.add(mails)


async def published(store: Store, mail: Mail) -> list[tuple[str, State]]:
    """What was said of that mail, in order."""
    if isinstance(store, MemoryMailStore):
        return [said for said in store.state.published if said[0] == mail.mail_id]
    assert isinstance(store, PostgresStore)
    bodies: dict[str, tuple[Any, State]] = {
        "messages.MailSent": (messages.MailSent, State.SENT),
        "messages.MailFailed": (messages.MailFailed, State.FAILED),
    }
    async with transaction(store._engine) as tx:
        rows = await tx.execute(
            text("SELECT type, body FROM outbox WHERE key = :key ORDER BY id"), {"key": mail.booking_id}
        )
    facts = [(bodies[row.type][0].FromString(row.body), bodies[row.type][1]) for row in rows]
    assert all((fact.booking_id, fact.kind) == (mail.booking_id, mail.kind) for fact, _ in facts)
    return [(fact.mail_id, state) for fact, state in facts]


async def lease(store: Store, *, now=AT, limit: int = 100) -> list[Leased]:
    return list(await store.lease(limit, now=now, until=now + timedelta(minutes=5)))


async def test_a_mail_is_leased_as_it_was_written_with_what_is_known(store: Store) -> None:
    details = Details(
        tickets=(a_ticket(1),), total=Money(5, "EUR"), refunded=Money(2**40, "JPY"), reason="ä€", expires_at=AT
    )
    mail = a_mail(details=details, traceparent="00-1-2-01")
    await given(store, mail)

    [leased] = await lease(store)

    assert leased.mail == replace(mail, state=State.SENDING, tries=1, due_at=LATER)
    assert leased.recipient == a_recipient()
    assert leased.show == a_show()


async def test_tickets_of_a_booking_that_was_cancelled_are_not_mailed(store: Store) -> None:
    cancelled = a_mail(kind=Kind.CANCELLED)
    await given(store, cancelled)

    await given(store, a_mail(booking_id=cancelled.booking_id), other := a_mail())

    assert {one.mail.mail_id for one in await lease(store)} == {cancelled.mail_id, other.mail_id}


async def test_a_booking_has_one_mail_of_a_kind(store: Store) -> None:
    first = a_mail()
    second = replace(a_mail(booking_id=first.booking_id), mail_id=new_id())
    other = a_mail(booking_id=first.booking_id, kind=Kind.CANCELLED)

    await given(store, first, second)
    await given(store, first, other)

    assert {leased.mail.mail_id for leased in await lease(store)} == {first.mail_id, other.mail_id}


async def test_what_is_leased_nobody_else_takes_before_the_lease_ends(store: Store) -> None:
    await given(store, a_mail())

    assert len(await lease(store)) == 1
    assert await lease(store, now=LATER - timedelta(seconds=1)) == []
    [again] = await lease(store, now=LATER)

    assert again.mail.tries == 2


async def test_the_most_overdue_go_first_and_what_is_not_due_stays(store: Store) -> None:
    late, later, future = (a_mail(due_at=AT + timedelta(seconds=seconds)) for seconds in (-2, -1, 1))
    await given(store, future, later, late)

    [first] = await lease(store, limit=1)
    [second] = await lease(store)

    assert (first.mail.mail_id, second.mail.mail_id) == (late.mail_id, later.mail_id)


async def test_what_was_sent_is_not_leased_again(store: Store) -> None:
    await given(store, a_mail(), a_mail())

    await store.settle([sent(leased.mail, at=AT) for leased in await lease(store)])

    assert await lease(store, now=LATER) == []
    assert (await store.queue(now=AT)).waiting == 0


async def test_what_was_postponed_is_due_again_then(store: Store) -> None:
    await given(store, a_mail())
    [leased] = await lease(store)

    outcome = postponed(leased.mail, "451", at=AT)
    await store.settle([outcome])

    assert await lease(store, now=outcome.due_at - timedelta(seconds=1)) == []
    assert len(await lease(store, now=outcome.due_at)) == 1


async def test_the_outcome_of_a_lease_that_is_over_changes_nothing(store: Store) -> None:
    await given(store, a_mail())
    [first] = await lease(store)
    [second] = await lease(store, now=LATER)

    await store.settle([sent(first.mail, at=LATER)])
    assert (await store.queue(now=LATER)).waiting == 1
    await store.settle([sent(second.mail, at=LATER)])

    assert (await store.queue(now=LATER)).waiting == 0


async def test_a_mail_that_waits_for_its_recipient_is_due_when_he_comes(store: Store) -> None:
    await given(store, a_mail(), facts=False)
    [leased] = await lease(store)
    assert (leased.recipient, leased.show) == (None, None)
    waits = before_sending(leased, at=AT)
    assert waits is not None
    assert waits.due_at == AT + MISSING_FACTS_LOOK
    await store.settle([waits])
    assert await lease(store) == []

    await given(store)

    [found] = await lease(store)
    assert found.recipient == a_recipient()
    assert found.mail.tries == 1


async def test_a_recipient_who_comes_hastens_no_second_try(store: Store) -> None:
    await given(store, a_mail())
    [leased] = await lease(store)
    await store.settle([postponed(leased.mail, "451", at=AT)])

    await given(store)

    assert await lease(store) == []


async def test_why_an_event_is_off_comes_with_its_mails(store: Store) -> None:
    await given(store, a_mail())
    async with store.transaction() as desk:
        await desk.cancel_shows([ShowCancelled("e1", "rain"), ShowCancelled("unknown", "rain")])

    [leased] = await lease(store)

    assert leased.cancel_reason == "rain"


async def test_only_reminders_that_still_wait_are_withdrawn(store: Store) -> None:
    reminder, begun = a_mail(kind=Kind.PAYMENT), a_mail(kind=Kind.PAYMENT, due_at=AT - timedelta(seconds=1))
    tickets = a_mail(booking_id=reminder.booking_id)
    await given(store, begun)
    [taken] = await lease(store)
    await given(store, reminder, tickets)

    async with store.transaction() as desk:
        await desk.withdraw_reminders([reminder.booking_id, begun.booking_id])

    assert [leased.mail.mail_id for leased in await lease(store)] == [tickets.mail_id]
    await store.settle([sent(taken.mail, at=AT)])
    assert (await store.queue(now=AT)).waiting == 1


async def test_the_queue_knows_how_long_its_oldest_is_overdue(store: Store) -> None:
    await given(store, a_mail(), a_mail(due_at=AT + timedelta(seconds=30)))

    queue = await store.queue(now=AT + timedelta(seconds=40))

    assert (queue.waiting, queue.oldest_s) == (2, 40.0)
    assert (await store.queue(now=AT - timedelta(seconds=5))).oldest_s == 0.0


async def test_what_is_long_done_is_forgotten_and_nothing_else(store: Store) -> None:
    await given(store, a_mail(), a_mail())
    [leased] = await lease(store, limit=1)
    await store.settle([sent(leased.mail, at=AT)])

    await store.forget(before=AT + timedelta(seconds=1))

    assert len(await lease(store)) == 1
    await given(store, leased.mail)
    assert (await store.queue(now=AT)).waiting == 2


async def test_an_exception_undoes_the_transaction(store: Store) -> None:
    async def add_then_fail() -> None:
        async with store.transaction() as desk:
            await desk.add([a_mail()])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await add_then_fail()

    assert await lease(store) == []


async def test_a_fact_is_new_once(store: Store) -> None:
    fact_id = new_id()

    async with store.transaction() as desk:
        assert await desk.first_time([fact_id]) == {fact_id}
    async with store.transaction() as desk:
        assert await desk.first_time([fact_id]) == set()


async def test_an_outcome_noted_twice_is_noted_once(store: Store) -> None:
    await given(store, a_mail())
    [leased] = await lease(store)
    outcome: Outcome = sent(leased.mail, at=AT)

    await store.settle([outcome])
    await store.settle([outcome])

    assert (await store.queue(now=AT)).waiting == 0


async def test_what_became_of_a_mail_is_published_once_and_again_when_it_is_asked_for_again(store: Store) -> None:
    mail = a_mail()
    await given(store, mail)
    [leased] = await lease(store)
    assert await published(store, mail) == []

    await store.settle([sent(leased.mail, at=AT)])
    await store.settle([sent(leased.mail, at=AT)])
    assert await published(store, mail) == [(mail.mail_id, State.SENT)]

    await given(store, mail)
    assert await published(store, mail) == [(mail.mail_id, State.SENT)] * 2


async def test_a_mail_that_failed_is_published_and_one_that_waits_again_is_not(store: Store) -> None:
    hopeless, slow = a_mail(), a_mail()
    await given(store, hopeless, slow)
    leased = {one.mail.mail_id: one.mail for one in await lease(store)}

    await store.settle(
        [
            failed(leased[hopeless.mail_id], "no such mailbox", at=AT),
            postponed(leased[slow.mail_id], "greylisted", at=AT),
        ]
    )

    assert await published(store, hopeless) == [(hopeless.mail_id, State.FAILED)]
    assert await published(store, slow) == []


async def test_a_sender_that_is_back_has_its_mails_at_once_and_another_has_not(store: Store) -> None:
    await given(store, mail := a_mail())
    await lease(store)

    others = await as_another(store).take_back(now=AT)
    assert (others, await lease(store)) == (0, [])

    assert await store.take_back(now=AT) == 1
    [again] = await lease(store)
    assert again.mail.mail_id == mail.mail_id
    assert again.mail.tries == 2


async def test_what_is_settled_is_not_taken_back(store: Store) -> None:
    await given(store, a_mail())
    [leased] = await lease(store)
    await store.settle([sent(leased.mail, at=AT)])

    assert await store.take_back(now=AT) == 0


async def test_the_note_of_an_earlier_life_counts_no_more(store: Store) -> None:
    await given(store, a_mail())
    [earlier] = await lease(store)
    await store.take_back(now=AT)
    [now] = await lease(store, now=AT + timedelta(seconds=1))

    await store.settle([sent(earlier.mail, at=AT)])

    assert await store.take_back(now=AT) == 1, now
