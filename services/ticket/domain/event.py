"""An event as its seats know it: sections, prices and the rules of its sale. All but `cancelled` never changes."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.kit.money import Money


class SectionKind(enum.StrEnum):
    SEATED = "SEATED"
    STANDING = "STANDING"


@dataclass(frozen=True, slots=True)
class Row:
    """Seats numbered 1 to `seat_count`."""

    label: str
    seat_count: int


@dataclass(frozen=True, slots=True)
class Tier:
    tier_id: str
    name: str
    price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    section_id: str
    name: str
    kind: SectionKind
    tier_id: str
    # Of every place in it.
    price: Money
    capacity: int

    def seat_label(self, row: str, number: str) -> str:
        return f"{self.name}, row {row}, seat {number}"

    @property
    def standing_label(self) -> str:
        return f"{self.name}, standing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    event_id: str
    # By id, in the order of the layout.
    sections: Mapping[str, Section]
    tiers: tuple[Tier, ...]
    max_per_booking: int
    # None: at once.
    sale_starts_at: datetime | None


@dataclass(frozen=True, slots=True)
class Layout:
    """An event as it is loaded: the rows of its seated sections, front row first, by section."""

    event: Event
    rows: Mapping[str, tuple[Row, ...]]


@dataclass(frozen=True, slots=True)
class OnSale:
    """An event whose places nobody else changes before the transaction ends."""

    event: Event
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Locked:
    """What a transaction has to itself, and what time it is for it: the database's."""

    now: datetime
    events: Mapping[str, OnSale]
