"""What the handlers and the sender need of the world."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.email_worker.domain import Leased, Mail, Outcome, Recipient, Show, ShowCancelled


class Desk(Protocol):
    """Where mails are written down, within one transaction."""

    async def first_time(self, fact_ids: Collection[str]) -> set[str]:
        """Those facts that were not handled before (the inbox)."""

    async def know_recipients(self, recipients: Sequence[Recipient]) -> None:
        """Keep each, in place of what was known, and make due what waited for them."""

    async def know_shows(self, shows: Sequence[Show]) -> None:
        """Keep each, in place of what was known, and make due what waited for them."""

    async def cancel_shows(self, cancelled: Sequence[ShowCancelled]) -> None:
        """Remember why; unknown shows are passed over."""

    async def add(self, mails: Sequence[Mail]) -> None:
        """Keep each, unless its booking has one of that kind already, or tickets come after a cancellation.

        What became of one that was kept before is published again.
        """

    async def withdraw_reminders(self, booking_ids: Collection[str]) -> None:
        """Their reminders to pay are not sent any more, unless a sender has them already."""


@dataclass(frozen=True, slots=True)
class Queue:
    """What was not sent yet."""

    waiting: int
    oldest_s: float


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Desk]:
        """Committed at the end of the block, undone by an exception in it."""

    async def lease(self, limit: int, *, now: datetime, until: datetime) -> Sequence[Leased]:
        """Take what is due, oldest first, and nobody else takes it before `until`; counts as a try."""

    async def take_back(self, *, now: datetime) -> int:
        """What this sender leased in an earlier life of its process, and did not settle, is due; how many they are."""

    async def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Write down what became of leased mails, and publish what was sent or never will be.

        Passes over those that were leased again since. Idempotent.
        """

    async def queue(self, *, now: datetime) -> Queue:
        """How much waits, and for how long past its time."""

    async def forget(self, *, before: datetime) -> None:
        """Remove what was settled before then."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready for the wire."""

    recipient: str
    content: bytes


class ServerAway(Exception):
    """The mail server does not take mails at all now; no fault of this one."""


class Postponed(Exception):
    """The mail server did not take this mail; it may do so later. It may even have it, had its word been lost."""


class Undeliverable(Exception):
    """This mail will never be taken; the message says why."""


class Lane(Protocol):
    """One way to the mail server; carries one letter after the other."""

    async def deliver(self, letter: Letter) -> None:
        """Return when the server has answered for the letter. Raises ServerAway, Postponed or Undeliverable."""

    async def close(self) -> None:
        """Idempotent; a closed lane opens again when needed."""


type Render = Callable[[Leased], Letter]
