"""Where people sit or stand, and what a place costs."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.event.domain.rules import check_line, check_number, check_slug, require
from services.kit.money import Money, checked_currency

MAX_SECTIONS: Final = 200
MAX_ROWS: Final = 500
# Of all sections together: the fact that tells ticket of a layout must stay well below Kafka's limit of 1 MiB.
MAX_ROWS_IN_ALL: Final = 20_000
MAX_SEATS_IN_ROW: Final = 1_000
MAX_CAPACITY: Final = 200_000
MAX_TIERS: Final = 50
MAX_PRICE_MINOR: Final = 10_000_000
MAX_NAME: Final = 100
ROW_LABEL: Final = re.compile(r"[A-Za-z0-9]{1,5}")


class SectionKind(enum.StrEnum):
    SEATED = "SEATED"
    STANDING = "STANDING"


@dataclass(frozen=True, slots=True)
class Row:
    """Seats numbered 1 to `seat_count`."""

    label: str
    seat_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    section_id: str
    name: str
    kind: SectionKind
    rows: tuple[Row, ...] = ()
    # STANDING: how many fit. SEATED: the number of seats, whatever was given.
    capacity: int = 0
    # In an event: the price of every place in it; a draft may leave it empty.
    tier_id: str = ""

    def checked(self, field: str) -> Section:
        """This section with its true capacity, if it obeys the rules; `field` is its name in a refusal."""
        check_slug(f"{field}.section_id", self.section_id)
        check_line(f"{field}.name", self.name, at_least=1, at_most=MAX_NAME)
        if self.tier_id:
            check_slug(f"{field}.tier_id", self.tier_id)
        if self.kind is SectionKind.STANDING:
            require(not self.rows, f"{field}.rows: a standing section has none")
            check_number(f"{field}.capacity", self.capacity, 0, MAX_CAPACITY)
            return self
        self._check_rows(field)
        return replace(self, capacity=sum(row.seat_count for row in self.rows))

    def _check_rows(self, field: str) -> None:
        require(len(self.rows) <= MAX_ROWS, f"{field}.rows: must be at most {MAX_ROWS}")
        for at, row in enumerate(self.rows):
            named = ROW_LABEL.fullmatch(row.label) is not None
            require(named, f"{field}.rows[{at}].label: must be 1 to 5 letters or digits")
            check_number(f"{field}.rows[{at}].seat_count", row.seat_count, 1, MAX_SEATS_IN_ROW)
        require(_unique(row.label for row in self.rows), f"{field}.rows: two have the same label")


@dataclass(frozen=True, slots=True)
class PriceTier:
    tier_id: str
    name: str
    price: Money

    def check(self, field: str) -> None:
        check_slug(f"{field}.tier_id", self.tier_id)
        check_line(f"{field}.name", self.name, at_least=1, at_most=MAX_NAME)
        check_number(f"{field}.price.minor", self.price.minor, 0, MAX_PRICE_MINOR)
        checked_currency(self.price.currency)


def checked_sections(sections: Sequence[Section], field: str = "sections") -> tuple[Section, ...]:
    """The layout with true capacities, if it obeys the rules."""
    require(len(sections) <= MAX_SECTIONS, f"{field}: must be at most {MAX_SECTIONS}")
    rows = sum(len(section.rows) for section in sections)
    require(rows <= MAX_ROWS_IN_ALL, f"{field}: more than {MAX_ROWS_IN_ALL} rows")
    checked = tuple(section.checked(f"{field}[{at}]") for at, section in enumerate(sections))
    require(_unique(section.section_id for section in checked), f"{field}: two have the same section_id")
    require(capacity_of(checked) <= MAX_CAPACITY, f"{field}: more than {MAX_CAPACITY} places")
    return checked


def check_tiers(tiers: Sequence[PriceTier]) -> None:
    require(len(tiers) <= MAX_TIERS, f"tiers: must be at most {MAX_TIERS}")
    for at, tier in enumerate(tiers):
        tier.check(f"tiers[{at}]")
    require(_unique(tier.tier_id for tier in tiers), "tiers: two have the same tier_id")
    require(len({tier.price.currency for tier in tiers}) <= 1, "tiers: must all have one currency")


def check_prices(sections: Sequence[Section], tiers: Sequence[PriceTier]) -> None:
    """Whatever tier a section names is one of these."""
    known = {tier.tier_id for tier in tiers}
    for at, section in enumerate(sections):
        require(not section.tier_id or section.tier_id in known, f"sections[{at}].tier_id: no such tier")


def priced_by(sections: Sequence[Section], tiers: Sequence[PriceTier]) -> tuple[Section, ...]:
    """A venue's layout for an event: a tier that the event does not have is left open."""
    known = {tier.tier_id for tier in tiers}
    return tuple(section if section.tier_id in known else replace(section, tier_id="") for section in sections)


def capacity_of(sections: Sequence[Section]) -> int:
    return sum(section.capacity for section in sections)


def _unique(names: Iterable[str]) -> bool:
    listed = list(names)
    return len(set(listed)) == len(listed)
