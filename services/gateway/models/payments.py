"""Payments on the wire."""

from typing import Annotated, Literal

from msgspec import Meta

from services.gateway.models.bookings import NextAction
from services.gateway.models.common import Money, Response, Time


class Payment(Response, frozen=True, kw_only=True):
    id: str
    booking_id: str
    status: Literal[
        "processing", "requires_action", "succeeded", "failed", "cancelled", "refunded", "partially_refunded"
    ]
    amount: Money
    refunded: Money
    failure_reason: Annotated[str | None, Meta(description="A stable slug, such as `card-declined`.")]
    next_action: NextAction | None
    provider: str
    created_at: Time | None
    updated_at: Time | None
