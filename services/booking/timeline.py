"""What happened to a booking, put together from what was written down about it. Codes are those of protos/timeline.py.

Nothing here comes from the order but its place in line and its trace: no name, no mail address, no card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.booking.domain import Booking, Status
from services.kit.invariants import Repair
from services.kit.money import Money

# An entry of the saga's log → the code of what it says.
CODES: Final[Mapping[str, str]] = {
    "seats": "reserving",
    "payment": "charging",
    "confirm": "issuing",
    "undo-confirm": "undoing-tickets",
    "undo-payment": "undoing-payment",
    "undo-seats": "undoing-seats",
    "awaiting_payment": "waits-for-buyer",
}
# The saga writes down what it is about to do: that it begins to charge says that it holds the seats.
_HELD: Final = "held"
_MAY_HAVE_REASON: Final = frozenset({"undoing-payment", "undoing-tickets", "rejected", "cancelled", "waits-for-buyer"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A line of the saga's log."""

    at: datetime
    entry: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What another service said of a booking."""

    fact_id: str
    booking_id: str
    at: datetime
    code: str
    reason: str = ""
    # The payment's id, or the kind of a mail.
    about: str = ""
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    at: datetime
    code: str
    reason: str = ""
    about: str = ""
    number: int = 0
    attempt: int = 0
    amount: Money | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    booking: Booking
    entries: Sequence[Entry]

    @property
    def trace_id(self) -> str:
        """Of the buyer's request; empty when it came without one."""
        parts = self.booking.order.traceparent.split("-")
        return parts[1] if len(parts) == 4 else ""


def timeline(booking: Booking, logged: Sequence[Logged], heard: Sequence[Heard], repairs: Sequence[Repair]) -> Timeline:
    """All that is known of it, oldest first."""
    entries = [
        *_line(booking),
        *_saga(booking, logged),
        *_others(heard),
        *(Entry(at=one.ended_at, code="repaired", reason=one.rule.replace("_", "-")) for one in repairs),
    ]
    # Sorting is stable: what was written in one transaction stays in its order.
    return Timeline(booking, sorted(entries, key=lambda entry: entry.at))


def _line(booking: Booking) -> Iterator[Entry]:
    if waited := booking.order.waited:
        yield Entry(at=waited.queued_at, code="queued", number=waited.number)
        yield Entry(at=waited.taken_at, code="taken", number=waited.number)


def _saga(booking: Booking, logged: Sequence[Logged]) -> Iterator[Entry]:
    held = False
    for line in logged:
        code = CODES.get(line.entry, line.entry)
        if code == "charging" and not held:
            held = True
            yield Entry(at=line.at, code=_HELD)
        entry = Entry(at=line.at, code=code, reason=line.reason if code in _MAY_HAVE_REASON else "")
        if code == "waits-for-buyer" and booking.status is Status.AWAITING_PAYMENT:
            entry = replace(entry, until=booking.expires_at)
        yield entry


def _others(heard: Sequence[Heard]) -> Iterator[Entry]:
    attempt = 1
    for one in sorted(heard, key=lambda one: one.at):
        if one.code.startswith("mail-"):
            yield Entry(at=one.at, code=one.code, about=one.about)
            continue
        yield Entry(at=one.at, code=one.code, reason=one.reason, attempt=attempt, amount=one.amount)
        # What comes after a refusal is another try, with another card.
        attempt += one.code == "payment-failed"
