"""The OpenAPI document without a platform: `python -m services.gateway.api_document FILE` writes it for clients."""

import sys
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from services.gateway.app import TAGS
from services.gateway.edge.openapi import document
from services.gateway.edge.operation import AnyOperation
from services.gateway.routes import auth, bookings, events, keys, payments, seats, users, venues

# Describing an operation does not run it, so what it would call may be absent.
_NOBODY: Final = cast("Any", None)
OPERATIONS: Final[tuple[AnyOperation, ...]] = (
    *auth.AuthRoutes(_NOBODY).operations(),
    *users.UserRoutes(_NOBODY).operations(),
    *venues.VenueRoutes(_NOBODY).operations(),
    *events.EventRoutes(_NOBODY, _NOBODY, _NOBODY).operations(),
    *seats.SeatRoutes(_NOBODY).operations(),
    *bookings.BookingRoutes(_NOBODY).operations(),
    *payments.PaymentRoutes(_NOBODY).operations(),
    *keys.KeyRoutes(_NOBODY).operations(),
)


def text() -> str:
    """As it is kept in the repository: one line a value, so that a change of the API is a small diff."""
    described = msgspec.json.encode(document(OPERATIONS, tags=TAGS), order="deterministic")
    return msgspec.json.format(described, indent=1).decode() + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text())
