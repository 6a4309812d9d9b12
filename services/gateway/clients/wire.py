"""Times and money between protobuf and the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import UNSET, UnsetType

from protos.gen import money_pb2
from services.gateway.models.common import Money
from services.kit.errors import Invalid

# Beyond these nobody sells tickets, and arithmetic with offsets begins to overflow.
EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def to_time(message: Timestamp, *, present: bool) -> datetime | None:
    return message.ToDatetime(UTC) if present else None


def get_time(message: Timestamp) -> datetime:
    """For fields a peer always sets."""
    return message.ToDatetime(UTC)


def from_time(moment: datetime | UnsetType | None, field: str) -> Timestamp | None:
    """What is absent stays unset. Refuses times no event of ours can have."""
    if moment is None or moment is UNSET:
        return None
    if not EARLIEST <= moment <= LATEST:
        raise Invalid(f"{field}: must be between {EARLIEST.year} and {LATEST.year}")
    message = Timestamp()
    message.FromDatetime(moment.astimezone(UTC).replace(tzinfo=None))
    return message


def to_money(message: money_pb2.Money) -> Money:
    return Money(message.minor, message.currency)


def from_money(money: Money) -> money_pb2.Money:
    return money_pb2.Money(minor=money.amount, currency=money.currency)
