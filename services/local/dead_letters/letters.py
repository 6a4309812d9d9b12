"""A dead letter, wherever it lies, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    # `bookings.dead/3/17` (partition, offset) or `booking-queue-dead:<event>/1700000000000-0`.
    id: str
    key: str
    type: str
    reason: str
    at: datetime
    tries: int
    # Who gave up: a consumer group, or the workers of the queue.
    by: str
    # When it was sent back; empty: it was not.
    replayed: str = ""
    # What its buyer was told in its stead, who may have bought elsewhere since: it is sent back by name only.
    told: str = ""

    def row(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Found:
    """The letters of some places, oldest first, and how many older ones were not looked at."""

    letters: Sequence[DeadLetter]
    left_out: int = 0


class NoSuchLetter(Exception):
    """No such letter, or it was sent back before; the message says which."""


class Graveyard(Protocol):
    """One kind of place where dead letters lie. Every method raises NotNow while its store is away."""

    @property
    def store(self) -> str:
        """With the names in the environment that say where it is."""

    def holds(self, name: str) -> bool:
        """Whether a letter's id, or a topic or stream by either of its names, is of this kind."""

    async def letters(self, names: Sequence[str]) -> Found:
        """Those of the topics or streams named, or of all. Raises NoSuchLetter for one that there is not."""

    async def details(self, letter_id: str, *, body: bool) -> Mapping[str, object]:
        """All that is known of one; what it says only when asked for. Raises NoSuchLetter."""

    async def replay(self, letter_id: str) -> str:
        """Send it back to where it came from, once; where that is. Raises NoSuchLetter."""
