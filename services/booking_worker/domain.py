"""Orders in line, what becomes of them, and how events are shared among workers."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.kit.errors import Kind

# An order is a few hundred bytes; one of more could fill a message to booking alone.
MAX_ORDER_BYTES: Final = 64 * 1024
# Taken over from so many workers that died, an entry is worked alone, so that those around it are not taken for it; and
# from so many, it is not worked any more.
ALONE_FROM: Final = 3
MAX_TAKEN: Final = 6
# How long an order waits before it is sent again, by how often it was.
RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One order in an event's line."""

    event_id: str
    # Its place in the stream, and in line.
    entry_id: str
    number: int
    # When it was put there, in milliseconds since the epoch.
    queued_ms: int
    booking_id: str
    user_id: str
    # booking.CreateBookingRequest, serialised.
    order: bytes
    traceparent: str = ""
    # Why it cannot be worked at all; empty when it can.
    fault: str = ""
    # How many workers have had it, this one included.
    taken: int = 1

    @property
    def was_sent(self) -> bool:
        """Somebody may have sent it to booking before."""
        return self.taken > 1


class Status(enum.Enum):
    """What became of a booking, by the names that booking gives it."""

    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    CANCELLING = "CANCELLING"


# The buyer has seats, or can still get them.
SELLING: Final = frozenset({Status.CONFIRMED, Status.AWAITING_PAYMENT})


@dataclass(frozen=True, slots=True)
class Decided:
    """An outcome. `booking` is booking.Booking, serialised; empty when booking never knew the order."""

    status: Status
    reason: str = ""
    booking: bytes = b""


@dataclass(frozen=True, slots=True)
class Undecided:
    """Nobody knows yet: the order is sent again."""

    reason: str


type Outcome = Decided | Undecided


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done about an entry: its buyer is told, and it leaves the line."""

    entry: Entry
    # None: nobody is told; booking's own facts say what becomes of it.
    decided: Decided | None
    # Why it is kept among the dead letters; empty when it is not. And how often it was tried.
    buried: str = ""
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Claimed:
    """Entries that were read before, in order."""

    entries: Sequence[Entry]
    # There are more, to be claimed once these have left the line.
    more: bool = False


@dataclass(frozen=True, slots=True)
class Backlog:
    """Orders of an event without an outcome, and since when the first one waits."""

    event_id: str
    depth: int
    oldest_ms: int


CANCELLED_WAITING: Final = Decided(Status.CANCELLED, "cancelled-by-buyer")
TRY_AGAIN: Final = Decided(Status.REJECTED, "try-again")
MALFORMED: Final = Decided(Status.REJECTED, "malformed-order")


def refused(kind: Kind, reason: str) -> Outcome:
    """What a refused order means: not decided, or refused for good."""
    return Undecided(reason) if kind is Kind.LATER else Decided(Status.REJECTED, reason)


def retry_delay_s(tries: int) -> float:
    return RETRY_S[min(tries, len(RETRY_S)) - 1]


def fair_share(events: int, workers: int, *, at_most: int) -> int:
    """How many events one of so many workers takes, so that together they take all."""
    return min(at_most, math.ceil(events / max(1, workers)))


def read_verdict(entry: Entry, *, cancelled: bool) -> Verdict | None:
    """What is clear without asking booking; None: it has to be asked.

    So it has to be about an order that was sent before: booking may have sold it, and it is undone then.
    """
    if entry.fault:
        told = MALFORMED if entry.booking_id and entry.user_id else None
        return Verdict(entry, told, buried=entry.fault)
    return Verdict(entry, CANCELLED_WAITING) if cancelled and not entry.was_sent else None


class Line:
    """An event's queue while we hold its lease: the entries we took and do not know the outcome of."""

    __slots__ = (
        "_in_flight",
        "_last_number",
        "_tries",
        "event_id",
        "held_until",
        "leaving",
        "opened",
        "retrying",
        "taken_over",
        "used",
    )

    def __init__(self, event_id: str, *, held_until: float) -> None:
        self.event_id, self.held_until = event_id, held_until
        # What was read before and has no outcome is in flight here, so new entries may be read.
        self.opened = False
        # What others left behind is still to be taken from them.
        self.taken_over = False
        # Nothing more is read: the lease is given back once nothing is in flight.
        self.leaving = False
        # When an entry last came (event loop's clock).
        self.used = 0.0
        # Entries that wait to be sent again.
        self.retrying = 0
        self._in_flight: dict[str, Entry] = {}
        self._tries: dict[str, int] = {}
        self._last_number = 0

    def take(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Those that are new here, which are in flight from now on."""
        fresh = [entry for entry in entries if entry.entry_id not in self._in_flight]
        for entry in fresh:
            self._in_flight[entry.entry_id] = entry
            self._last_number = max(self._last_number, entry.number)
        return fresh

    def holds(self, entry: Entry) -> bool:
        return entry.entry_id in self._in_flight

    def worn(self, entry: Entry, tries: int) -> None:
        """As if it had been tried so often."""
        self._tries[entry.entry_id] = tries

    def tried(self, entry: Entry) -> int:
        """How often, with this one, it was not decided."""
        self._tries[entry.entry_id] = self._tries.get(entry.entry_id, 0) + 1
        return self._tries[entry.entry_id]

    def leave(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._in_flight.pop(entry.entry_id, None)
            self._tries.pop(entry.entry_id, None)

    def served_without(self, entries: Sequence[Entry]) -> int:
        """Every number up to this one has its outcome, once these have left. 0 while nothing is known."""
        leaving = {entry.entry_id for entry in entries}
        for entry_id, entry in self._in_flight.items():
            if entry_id not in leaving and entry.number:
                return entry.number - 1
        return self._last_number

    @property
    def entries(self) -> Sequence[Entry]:
        return list(self._in_flight.values())

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)
