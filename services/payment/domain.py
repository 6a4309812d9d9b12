"""A payment: a closed state machine from a wish to pay to money taken, refused or given back."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.kit.errors import Kind, Refusal
from services.kit.money import Money

# A PSP forgets idempotency keys after a day; what is older is looked up instead of asked again.
KEYS_LAST: Final = timedelta(hours=23)


class Status(enum.Enum):
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


PAID: Final = frozenset({Status.SUCCEEDED, Status.PARTIALLY_REFUNDED})
GIVEN_UP: Final = frozenset({Status.FAILED, Status.CANCELLED})
# Money that came for a payment we had given up waits so long for somebody who still wants it; then it goes back.
LATE_KEPT: Final = timedelta(seconds=60)
# What a PSP's answer may make of a payment. Money that went back is counted by `with_refund`.
_NEXT: Final = {
    Status.PROCESSING: frozenset({Status.REQUIRES_ACTION, Status.SUCCEEDED, Status.FAILED, Status.CANCELLED}),
    Status.REQUIRES_ACTION: frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED}),
    # Late: the buyer paid after all.
    Status.FAILED: frozenset({Status.SUCCEEDED}),
    Status.CANCELLED: frozenset({Status.SUCCEEDED}),
}


class UnknownPayment(Refusal):
    kind, reason = Kind.MISSING, "unknown-payment"

    def __init__(self) -> None:
        super().__init__("no such payment")


class KeyReused(Refusal):
    kind, reason = Kind.CONFLICT, "key-reused"

    def __init__(self) -> None:
        super().__init__("this key came with another amount before")


class InvalidAmount(Refusal):
    kind, reason = Kind.INVALID, "invalid-amount"

    def __init__(self, sentence: str) -> None:
        super().__init__(f"amount: {sentence}")


class InvalidPaymentMethod(Refusal):
    kind, reason = Kind.INVALID, "invalid-payment-method"

    def __init__(self) -> None:
        # Never with the value in it: it may be a card number.
        super().__init__("payment_method: must be the PSP's token of a card, such as `pm_…`")


class NotRefundable(Refusal):
    kind, reason = Kind.CONFLICT, "not-refundable"

    def __init__(self) -> None:
        super().__init__("there is no money of this payment that could go back")


class RefundTooLarge(Refusal):
    kind, reason = Kind.CONFLICT, "refund-too-large"

    def __init__(self) -> None:
        super().__init__("more than is left of this payment")


@dataclass(frozen=True, slots=True)
class NextAction:
    """What the buyer has to do: `redirect` to url, or `payment_method`: pay with client_secret at the PSP."""

    type: str
    url: str = ""
    client_secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What the PSP says of one charge."""

    ref: str
    status: Status
    amount: Money
    refunded_minor: int = 0
    failure_reason: str = ""
    next_action: NextAction | None = None
    payment_id: str = ""
    booking_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    payment_id: str
    key: str
    booking_id: str
    user_id: str
    amount: Money
    payment_method: str
    description: str
    provider: str
    created_at: datetime
    updated_at: datetime
    status: Status = Status.PROCESSING
    failure_reason: str = ""
    next_action: NextAction | None = None
    provider_ref: str = ""
    attempt: int = 1
    # Somebody wants it undone, and it will be, whatever the PSP answers first.
    cancelling: bool = False
    # The money came after we had given it up, and nobody has claimed it yet.
    late: bool = False
    # Of all refunds asked for, and of those that took place.
    claimed_minor: int = 0
    refunded_minor: int = 0

    @property
    def is_tombstone(self) -> bool:
        """Cancelled before it came: it has a key and nothing else."""
        return self.amount.minor == 0

    @property
    def is_wanted(self) -> bool:
        """Nobody has asked to undo it since its money came."""
        return self.late or not self.cancelling

    @property
    def charge_key(self) -> str:
        """What the PSP knows the charge by."""
        return f"{self.payment_id}-{self.attempt}"

    def after(self, intent: Intent, *, at: datetime) -> Payment:
        """This payment once the PSP has said that; itself when nothing follows from it."""
        if intent.status is Status.FAILED and not self.payment_method and self.status is Status.REQUIRES_ACTION:
            # The buyer chooses a card at the PSP, and may choose another one.
            return self
        if intent.status not in _NEXT.get(self.status, ()):
            return self
        late = self.status in GIVEN_UP
        return replace(
            self,
            status=intent.status,
            late=late,
            cancelling=self.cancelling or late,
            failure_reason=intent.failure_reason if intent.status is Status.FAILED else "",
            next_action=intent.next_action if intent.status is Status.REQUIRES_ACTION else None,
            provider_ref=intent.ref or self.provider_ref,
            updated_at=at,
        )

    def kept(self, attempt: int, *, at: datetime) -> Payment:
        """This payment, whose money is there and wanted: nothing meant for an earlier attempt undoes it."""
        if attempt <= self.attempt:
            return self
        return replace(self, attempt=attempt, late=False, cancelling=self.cancelling and not self.late, updated_at=at)

    def tried_again(self, attempt: int, payment_method: str, *, at: datetime) -> Payment:
        """A new try with another card, when no money came of those before and none can; else what there is.

        What somebody wants undone is never tried again: the wish may be older than that.
        """
        if attempt <= self.attempt or self.is_tombstone:
            return self
        if self.status in PAID:
            return self.kept(attempt, at=at)
        if self.status not in GIVEN_UP or self.cancelling:
            return self
        return replace(
            self,
            attempt=attempt,
            payment_method=payment_method,
            status=Status.PROCESSING,
            failure_reason="",
            provider_ref="",
            updated_at=at,
        )

    def with_claim(self, minor: int | None, *, at: datetime) -> tuple[Payment, int]:
        """This payment with that much (None: the rest) promised back, and how much that is."""
        left = self.amount.minor - self.claimed_minor
        wanted = left if minor is None else minor
        if self.status not in PAID or left == 0:
            raise NotRefundable
        if wanted > left:
            raise RefundTooLarge
        return replace(self, claimed_minor=self.claimed_minor + wanted, updated_at=at), wanted

    def with_refund(self, minor: int, *, at: datetime) -> Payment:
        """This payment once that much of what was promised has gone back."""
        refunded = self.refunded_minor + minor
        status = Status.REFUNDED if refunded == self.amount.minor else Status.PARTIALLY_REFUNDED
        return replace(self, refunded_minor=refunded, status=status, late=False, updated_at=at)

    def without_claim(self, minor: int, *, at: datetime) -> Payment:
        """This payment when the PSP refused to give that much back."""
        return replace(self, claimed_minor=self.claimed_minor - minor, updated_at=at)


class RefundStatus(enum.Enum):
    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    refund_id: str
    payment_id: str
    refund_key: str
    minor: int
    created_at: datetime
    status: RefundStatus = RefundStatus.PENDING


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A fact: the payment has come to its status; for a refund, by how much."""

    payment: Payment
    refunded_now: int = 0


@dataclass(frozen=True, slots=True)
class PspEvent:
    """Something happened to a charge at the PSP. It tells where to look, not what is true."""

    event_id: str
    ref: str
    payment_id: str
    # By the PSP's clock; we do not keep it.
    happened_at: datetime | None = None


def tombstone(key: str, payment_id: str, provider: str, *, at: datetime) -> Payment:
    """A key that is cancelled before anybody asked to pay with it."""
    return Payment(
        payment_id=payment_id,
        key=key,
        booking_id="",
        user_id="",
        amount=Money(0, ""),
        payment_method="",
        description="",
        provider=provider,
        status=Status.CANCELLED,
        created_at=at,
        updated_at=at,
    )
