"""Payments as rows, and as the columns that one statement takes for many of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row

from services.kit.money import Money
from services.payment.domain import NextAction, Payment, Refund, RefundStatus, Status

# Its name, its type, and where it is in a payment.
type Column = tuple[str, str, Callable[[Payment], object]]

_NOTHING: Final = NextAction("")
_ID: Final[tuple[Column, ...]] = (("payment_id", "text", lambda p: p.payment_id),)
_STATE: Final[tuple[Column, ...]] = (
    ("status", "text", lambda p: p.status.value),
    ("failure_reason", "text", lambda p: p.failure_reason),
    ("action_type", "text", lambda p: (p.next_action or _NOTHING).type),
    ("action_url", "text", lambda p: (p.next_action or _NOTHING).url),
    ("action_secret", "text", lambda p: (p.next_action or _NOTHING).client_secret),
    ("provider_ref", "text", lambda p: p.provider_ref),
    ("cancelling", "boolean", lambda p: p.cancelling),
    ("late", "boolean", lambda p: p.late),
    ("current_attempt", "smallint", lambda p: p.attempt),
    ("claimed_minor", "bigint", lambda p: p.claimed_minor),
    ("refunded_minor", "bigint", lambda p: p.refunded_minor),
    ("updated_at", "timestamptz", lambda p: p.updated_at),
)
# What is written once, and what may change.
FIXED: Final[tuple[Column, ...]] = (
    *_ID,
    ("key", "text", lambda p: p.key),
    ("booking_id", "text", lambda p: p.booking_id),
    ("user_id", "text", lambda p: p.user_id),
    ("amount_minor", "bigint", lambda p: p.amount.minor),
    ("currency", "text", lambda p: p.amount.currency),
    ("provider", "text", lambda p: p.provider),
    ("status", "text", lambda p: p.status.value),
    ("created_at", "timestamptz", lambda p: p.created_at),
    ("attempt", "smallint", lambda p: p.attempt),
    ("payment_method", "text", lambda p: p.payment_method),
    ("description", "text", lambda p: p.description),
)
MUTABLE: Final[tuple[Column, ...]] = (*_ID, *_STATE)


def columns(payments: Sequence[Payment], wanted: Sequence[Column]) -> Mapping[str, list[object]]:
    """Arguments for a statement made with `unnest_of(wanted)`."""
    return {name: [read(payment) for payment in payments] for name, _, read in wanted}


def unnest_of(wanted: Sequence[Column]) -> str:
    """The rows of those arguments, as a table expression."""
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind, _ in wanted)
    return f"unnest({arrays}) AS new({', '.join(name for name, _, _ in wanted)})"


def payment_from(row: Row[Any]) -> Payment:
    action = NextAction(row.action_type, row.action_url, row.action_secret) if row.action_type else None
    return Payment(
        payment_id=row.payment_id,
        key=row.key,
        booking_id=row.booking_id,
        user_id=row.user_id,
        amount=Money(row.amount_minor, row.currency),
        payment_method=row.payment_method,
        description=row.description,
        provider=row.provider,
        created_at=row.created_at,
        updated_at=row.updated_at,
        status=Status(row.status),
        failure_reason=row.failure_reason,
        next_action=action,
        provider_ref=row.provider_ref,
        attempt=row.attempt,
        cancelling=row.cancelling,
        late=row.late,
        claimed_minor=row.claimed_minor,
        refunded_minor=row.refunded_minor,
    )


def refund_from(row: Row[Any]) -> Refund:
    return Refund(
        refund_id=row.refund_id,
        payment_id=row.payment_id,
        refund_key=row.refund_key,
        minor=row.minor,
        created_at=row.created_at,
        status=RefundStatus(row.status),
    )
