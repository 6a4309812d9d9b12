"""Mails in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import datetime

from services.email_worker.domain import Kind, Leased, Mail, Outcome, Recipient, Show, ShowCancelled, State
from services.email_worker.ports import Queue

OPEN = (State.WAITING, State.SENDING)


class MemoryMailStore:
    def __init__(self, *, sender: str = "sender-1") -> None:
        self.state, self.sender = MemoryDesk(), sender

    def of(self, sender: str) -> MemoryMailStore:
        """The same mails, as another sender has them."""
        other = MemoryMailStore(sender=sender)
        other.state = self.state
        return other

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryDesk]:
        before = deepcopy(self.state)
        try:
            yield self.state
        except BaseException:
            self.state = before
            raise

    async def lease(self, limit: int, *, now: datetime, until: datetime) -> Sequence[Leased]:
        state = self.state
        due = [mail for mail in state.mails.values() if mail.state in OPEN and mail.due_at <= now]
        leased = []
        for mail in sorted(due, key=lambda one: one.due_at)[:limit]:
            taken = replace(mail, state=State.SENDING, due_at=until, tries=mail.tries + 1)
            state.mails[mail.mail_id] = taken
            state.reasons.pop(mail.mail_id, None)
            state.senders[mail.mail_id] = self.sender
            leased.append(
                Leased(
                    mail=taken,
                    recipient=state.recipients.get(mail.user_id),
                    show=state.shows.get(mail.event_id),
                    cancel_reason=state.cancelled.get(mail.event_id, ""),
                )
            )
        return sorted(leased, key=lambda one: one.mail.added_at)

    async def take_back(self, *, now: datetime) -> int:
        ours = [
            mail
            for mail in self.state.mails.values()
            if mail.state is State.SENDING and self.state.senders[mail.mail_id] == self.sender and mail.due_at > now
        ]
        for mail in ours:
            self.state.mails[mail.mail_id] = replace(mail, due_at=now)
        return len(ours)

    async def settle(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            mail = self.state.mails[outcome.mail.mail_id]
            if mail.state is State.SENDING and mail.due_at == outcome.mail.due_at:
                settled = replace(mail, state=outcome.state, due_at=outcome.due_at, tries=outcome.tries)
                self.state.mails[mail.mail_id] = settled
                self.state.reasons[mail.mail_id] = outcome.reason
                if outcome.state not in OPEN:
                    self.state.settled_at[mail.mail_id] = outcome.at
                self.state.publish(settled)

    async def queue(self, *, now: datetime) -> Queue:
        due = [mail.due_at for mail in self.state.mails.values() if mail.state in OPEN]
        return Queue(len(due), max((now - min(due)).total_seconds(), 0.0) if due else 0.0)

    async def forget(self, *, before: datetime) -> None:
        for mail_id in [key for key, at in self.state.settled_at.items() if at < before]:
            del self.state.mails[mail_id], self.state.settled_at[mail_id]


class MemoryDesk:
    def __init__(self) -> None:
        self.mails: dict[str, Mail] = {}
        self.reasons: dict[str, str] = {}
        self.senders: dict[str, str] = {}
        self.settled_at: dict[str, datetime] = {}
        self.recipients: dict[str, Recipient] = {}
        self.shows: dict[str, Show] = {}
        self.cancelled: dict[str, str] = {}
        # Mail id and what became of it, in the order it was said.
        self.published: list[tuple[str, State]] = []
        self._handled: set[str] = set()

    def publish(self, mail: Mail) -> None:
        if mail.state in (State.SENT, State.FAILED):
            self.published.append((mail.mail_id, mail.state))

    async def first_time(self, fact_ids: Collection[str]) -> set[str]:
        fresh = set(fact_ids) - self._handled
        self._handled |= fresh
        return fresh

    async def know_recipients(self, recipients: Sequence[Recipient]) -> None:
        self.recipients |= {one.user_id: one for one in recipients}
        self._make_due()

    async def know_shows(self, shows: Sequence[Show]) -> None:
        self.shows |= {one.event_id: one for one in shows}
        self._make_due()

    def _make_due(self) -> None:
        for mail in self.mails.values():
            known = mail.user_id in self.recipients or mail.event_id in self.shows
            if known and mail.state is State.WAITING and self.reasons.get(mail.mail_id) == "facts":
                self.mails[mail.mail_id] = replace(mail, due_at=mail.added_at)

    async def cancel_shows(self, cancelled: Sequence[ShowCancelled]) -> None:
        self.cancelled |= {one.event_id: one.reason for one in cancelled if one.event_id in self.shows}

    async def add(self, mails: Sequence[Mail]) -> None:
        cancelled = {one.booking_id for one in self.mails.values() if one.kind is Kind.CANCELLED}
        for mail in mails:
            if mail.kind is Kind.TICKETS and mail.booking_id in cancelled:
                continue
            if all((one.booking_id, one.kind) != (mail.booking_id, mail.kind) for one in self.mails.values()):
                self.mails[mail.mail_id] = mail
            if known := self.mails.get(mail.mail_id):
                self.publish(known)

    async def withdraw_reminders(self, booking_ids: Collection[str]) -> None:
        for mail in self.mails.values():
            if mail.booking_id in booking_ids and mail.kind is Kind.PAYMENT and mail.state is State.WAITING:
                self.mails[mail.mail_id] = replace(mail, state=State.WITHDRAWN)
                self.settled_at[mail.mail_id] = mail.due_at
