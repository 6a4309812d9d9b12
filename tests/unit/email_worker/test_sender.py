"""What becomes of mails, whatever happens on their way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from services.email_worker.domain import MAX_TRIES, MISSING_FACTS_WAIT, Details, Mail, State
from services.email_worker.letters import Letters
from services.email_worker.ports import Postponed, ServerAway, Undeliverable
from services.email_worker.sender import LEASE, Sender
from tests.twins.mail_server import MemoryLane
from tests.twins.mail_store import MemoryMailStore
from tests.twins.mails import AT, a_mail, a_recipient, a_show, a_ticket, opened

LETTERS = Letters(sender="tickets@example.com", site_url="https://tickets.example")


class Post:
    """A sender over twins, at a time the test tells."""

    def __init__(self) -> None:
        self.store, self.lane, self.time = MemoryMailStore(), MemoryLane(), AT

    def sender(self) -> Sender:
        """A new one: a sender that was stopped stays stopped."""
        return Sender(self.store, LETTERS.render, [self.lane], lambda: self.time)

    async def given(self, *mails: Mail, facts: bool = True) -> None:
        async with self.store.transaction() as desk:
            if facts:
                await desk.know_recipients([a_recipient()])
                await desk.know_shows([a_show()])
            await desk.add(mails)

    def mail(self, mail: Mail) -> Mail:
        return self.store.state.mails[mail.mail_id]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110 - the sender tells nobody
                await asyncio.sleep(0.005)

    async def works_until(self, holds: Callable[[], bool]) -> None:
        async with running(self.sender()):
            await self.until(holds)

    def is_in(self, mail: Mail, state: State, *, due_at: datetime | None = None) -> Callable[[], bool]:
        return lambda: self.mail(mail).state is state and due_at in (None, self.mail(mail).due_at)


@asynccontextmanager
async def running(sender: Sender) -> AsyncIterator[None]:
    task = asyncio.create_task(sender.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def post() -> Post:
    return Post()


async def test_what_waits_is_sent_once(post: Post) -> None:
    mails = [a_mail() for _ in range(150)]
    await post.given(*mails)

    await post.works_until(lambda: all(post.mail(mail).state is State.SENT for mail in mails))

    sent = [opened(letter.content)["Message-ID"] for letter in post.lane.taken]
    assert sorted(sent) == sorted(mail.message_id for mail in mails)


async def test_a_mail_the_server_may_take_later_is_tried_with_growing_pauses(post: Post) -> None:
    mail = a_mail()
    await post.given(mail)
    pauses = []

    def tried(before: int) -> bool:
        return post.mail(mail).tries > before and post.mail(mail).state is State.WAITING

    for _ in range(3):
        post.lane.refusals.append(Postponed("451 later"))
        await post.works_until(partial(tried, post.mail(mail).tries))
        pauses.append(post.mail(mail).due_at - post.time)
        post.time = post.mail(mail).due_at
    await post.works_until(post.is_in(mail, State.SENT))

    assert pauses == [timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120)]


async def test_the_last_try_is_the_last(post: Post) -> None:
    mail = a_mail(tries=MAX_TRIES - 1)
    await post.given(mail)
    post.lane.refusals.append(Postponed("451 later"))

    await post.works_until(post.is_in(mail, State.FAILED))

    assert post.store.state.reasons[mail.mail_id] == "451 later"


async def test_what_the_server_refuses_for_good_is_not_tried_again_and_stops_no_other(post: Post) -> None:
    refused, other = a_mail(), a_mail()
    await post.given(refused, other)
    post.lane.refusals.append(Undeliverable("550 recipient refused"))

    await post.works_until(lambda: post.is_in(refused, State.FAILED)() and post.is_in(other, State.SENT)())

    assert len(post.lane.taken) == 1


async def test_a_server_that_is_away_costs_no_try(post: Post) -> None:
    mail = a_mail()
    await post.given(mail)
    post.lane.refusals += [ServerAway(), ServerAway()]

    await post.works_until(post.is_in(mail, State.SENT))

    assert post.mail(mail).tries == 1


async def test_a_mail_whose_recipient_is_not_known_yet_waits_and_goes_when_he_is(post: Post) -> None:
    mail = a_mail()
    await post.given(mail, facts=False)

    await post.works_until(lambda: post.store.state.reasons.get(mail.mail_id) == "facts")
    assert post.lane.taken == []
    await post.given()

    await post.works_until(post.is_in(mail, State.SENT))
    assert post.mail(mail).tries == 1


async def test_nobody_waits_for_a_recipient_for_ever(post: Post) -> None:
    mail = a_mail()
    await post.given(mail, facts=False)
    post.time = AT + MISSING_FACTS_WAIT

    await post.works_until(post.is_in(mail, State.FAILED))


async def test_a_reminder_that_is_too_late_is_not_sent(post: Post) -> None:
    mail = a_mail(kind="payment", details=Details(expires_at=AT))
    await post.given(mail)

    await post.works_until(post.is_in(mail, State.WITHDRAWN))

    assert post.lane.taken == []


async def test_a_sender_that_dies_before_its_note_leaves_a_mail_with_the_same_message_id(post: Post) -> None:
    mail = a_mail()
    await post.given(mail)
    [leased] = await post.store.lease(1, now=post.time, until=post.time + LEASE)
    await post.lane.deliver(LETTERS.render(leased))  # and then its sender dies

    post.time += LEASE - timedelta(seconds=1)
    assert await post.store.lease(1, now=post.time, until=post.time + LEASE) == []
    post.time += timedelta(seconds=1)
    await post.works_until(post.is_in(mail, State.SENT))

    first, second = (opened(letter.content) for letter in post.lane.taken)
    assert first["Message-ID"] == second["Message-ID"] == mail.message_id


async def test_a_mail_that_kills_its_senders_is_given_up(post: Post) -> None:
    mail = a_mail(tries=MAX_TRIES)
    await post.given(mail)

    await post.works_until(post.is_in(mail, State.FAILED))

    assert post.lane.taken == []


async def test_a_sender_told_to_stop_finishes_the_mail_in_its_hands_and_gives_back_the_others(post: Post) -> None:
    mails = [replace(a_mail(), added_at=AT + timedelta(seconds=number)) for number in range(3)]
    await post.given(*mails)
    post.lane.answering.clear()

    sending = asyncio.create_task(post.sender().run())
    await asyncio.wait_for(post.lane.reached.wait(), 5)

    sending.cancel()
    await asyncio.wait([sending], timeout=0.01)
    assert not sending.done()
    post.lane.answering.set()
    await asyncio.wait([sending], timeout=5)

    assert [post.mail(mail).state for mail in mails] == [State.SENT, State.WAITING, State.WAITING]
    assert [post.mail(mail).tries for mail in mails] == [1, 0, 0]


async def test_a_mail_that_can_not_be_shown_fails_alone(post: Post) -> None:
    broken, other = a_mail(details=Details(tickets=(a_ticket(qr="x" * 5000),))), a_mail()
    await post.given(broken, other)

    await post.works_until(lambda: post.is_in(broken, State.FAILED)() and post.is_in(other, State.SENT)())


async def test_an_address_that_is_none_is_never_handed_to_the_server(post: Post) -> None:
    mail = a_mail()
    await post.given(mail)
    async with post.store.transaction() as desk:
        await desk.know_recipients([a_recipient(email="ada@example.com>\r\nRCPT TO:<x@example.com")])

    await post.works_until(post.is_in(mail, State.FAILED))

    assert post.lane.taken == []


async def test_a_sender_that_died_is_back_and_does_not_wait_for_its_own_lease(post: Post) -> None:
    mail = a_mail()
    await post.given(mail)
    await post.store.lease(10, now=post.time, until=post.time + timedelta(minutes=5))

    await post.works_until(post.is_in(mail, State.SENT))

    assert len(post.lane.taken) == 1
