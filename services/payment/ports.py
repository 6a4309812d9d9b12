"""What the handlers need of a store, a payment service provider and the buyer's socket."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from services.kit.errors import Kind, NotNow, Refusal
from services.kit.invariants import Repair, Violation
from services.payment.domain import Intent, Payment, PspEvent, Refund, StatusChanged


class Payments(Protocol):
    """Payments, their refunds and facts within one transaction."""

    async def add(self, payments: Sequence[Payment]) -> set[str]:
        """Keep each whose key is new; the keys of those."""

    async def by_key(self, keys: Collection[str], *, lock: bool = False) -> Mapping[str, Payment]:
        """Those that are known. With `lock`, nobody else changes them before the transaction ends."""

    async def by_id(self, payment_ids: Collection[str], *, lock: bool = False) -> Mapping[str, Payment]:
        """As `by_key`, by payment_id."""

    async def save(self, payments: Sequence[Payment]) -> None:
        """What may change of a payment: all but who pays what. They were locked before."""

    async def save_attempt(self, payment: Payment) -> None:
        """Save a payment that has come to another attempt, with the card of it. It was locked before."""

    async def find_refund(self, payment_id: str, refund_key: str) -> Refund | None:
        """Whoever holds the payment's lock has the refund's as well."""

    async def save_refund(self, refund: Refund) -> None:
        """Add it, or replace its status."""

    async def publish(self, changes: Sequence[StatusChanged]) -> None:
        """Tell the world, if and only if the transaction commits."""

    async def lease_unsettled(
        self, *, before: datetime, at: datetime, until: datetime, limit: int
    ) -> Sequence[Payment]:
        """Payments unchanged since `before` with an outcome unknown or an undoing undone; nobody else's until then."""

    async def lease_refunds(self, *, before: datetime, at: datetime, until: datetime, limit: int) -> Sequence[Refund]:
        """Refunds asked for before that and still pending; nobody else's until then."""

    async def add_event(self, event: PspEvent, *, at: datetime) -> bool:
        """Keep it for handling; False when it came before."""

    async def lease_events(self, *, at: datetime, until: datetime, limit: int) -> Sequence[PspEvent]:
        """Events that were not handled, oldest first; nobody else's until then."""

    async def events_handled(self, event_ids: Collection[str], *, at: datetime) -> None:
        """They stay known, so that a repetition is seen as one."""

    async def forget_events(self, *, before: datetime) -> None:
        """Those that were handled before that."""


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Payments]:
        """Committed at the end of the block, undone by an exception in it."""


class Books(Protocol):
    """All our payments, as they are compared with the PSP's; and the receipts of what was repaired in them."""

    async def by_id(self, payment_ids: Collection[str]) -> Mapping[str, Payment]:
        """Those that are known."""

    async def paid_between(self, since: datetime, until: datetime, *, after: str, limit: int) -> Sequence[Payment]:
        """Those begun within that time that took money, by payment_id, those after that id."""

    async def of_bookings(self, booking_ids: Collection[str]) -> Sequence[Payment]:
        """Those that took money, gave it back, or still may; in the order of their bookings."""

    async def in_range(self, after: tuple[str, str], until: str, *, limit: int) -> Sequence[Payment]:
        """The same, of bookings up to `until`, after that booking's payment."""

    async def unsettled(self, *, before: datetime, limit: int) -> Sequence[Violation]:
        """Payments and refunds without an outcome since before then, the oldest first."""

    async def begin_repair(self, found: Violation) -> int:
        """A receipt; the same again when it was begun before and never ended."""

    async def end_repair(self, receipt: int, *, done: str) -> None:
        """It is done. Idempotent."""

    async def repairs(self, limit: int) -> Sequence[Repair]:
        """The newest that are done."""


class PspDown(NotNow):
    """The PSP did not answer in time, or asked us to come back later."""

    reason = "psp-unavailable"

    def __init__(self) -> None:
        super().__init__("the payment service provider has not answered yet: ask again with the same key")


class PspRefused(Refusal):
    """The PSP will not do it, now or later."""

    kind, reason = Kind.CONFLICT, "psp-refused"

    def __init__(self, what: str) -> None:
        super().__init__(f"the payment service provider refused: {what}")


class BadSignature(Refusal):
    kind, reason = Kind.INVALID, "bad-signature"

    def __init__(self) -> None:
        super().__init__("not signed by the payment service provider")


class Psp(Protocol):
    """A payment service provider. Every method raises PspDown when nobody knows what became of the call."""

    # stripe or sandbox.
    provider: str

    async def charge_many(self, payments: Sequence[Payment]) -> Sequence[Intent | Exception]:
        """Charge each once, however often it is asked; one answer or exception each, in their order.

        A declined card is an answer. The same charge key with another amount or card is PspRefused.
        """

    async def withhold(self, payment: Payment) -> Intent:
        """Make sure that a charge whose outcome is unknown never takes place; or, if it did, what became of it."""

    async def find(self, ref: str) -> Intent | None:
        """What is true now."""

    async def find_by_payment(self, payment_id: str) -> Intent | None:
        """By our own id; of several tries the one that was paid, else the last. May lag behind by a minute."""

    async def cancel(self, ref: str) -> Intent:
        """No money will move on it any more; unless it has: then what is true. Idempotent."""

    async def refund(self, ref: str, minor: int, *, key: str) -> None:
        """Give that much back, once for a key. PspRefused when the PSP will not."""

    async def intents(self, *, since: datetime, until: datetime, limit: int, after: str = "") -> Sequence[Intent]:
        """A page of what was begun within that time (`until` is outside), newest first; at most 100.

        `after` is the last ref of the page before. Times count in whole seconds.
        """

    async def read_event(self, body: bytes, signature: str) -> PspEvent | None:
        """The event in a webhook's body; None when it is about nothing of ours. Refuses BadSignature."""

    async def ping(self) -> None:
        """Raises when the PSP is away."""

    async def close(self) -> None: ...


class Buyers(Protocol):
    async def payment_changed(self, payment: Payment) -> None:
        """Tell the buyer's browser; best effort, in bounded time. Never raises NotNow."""
