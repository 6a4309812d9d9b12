"""Times and amounts as people write them, in the languages mails are written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.kit.money import Money

# ISO 4217 codes whose minor unit is not a hundredth.
_DIGITS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    weekdays: Sequence[str]
    months: Sequence[str]
    # What divides thousands, and whole from fraction.
    group: str
    point: str
    # With {weekday} {day} {month} {year} {clock} {zone}.
    moment: str

    def time(self, at: datetime, zone: str) -> str:
        """As the clocks at that place show it; in UTC when nobody knows the place's zone."""
        here = at.astimezone(_zone(zone))
        return self.moment.format(
            weekday=self.weekdays[here.weekday()],
            day=here.day,
            month=self.months[here.month - 1],
            year=here.year,
            clock=f"{here:%H:%M}",
            zone=here.tzname(),
        )

    def amount(self, money: Money) -> str:
        digits = _DIGITS.get(money.currency, 2)
        whole, fraction = divmod(abs(money.minor), 10**digits)
        sign = "-" if money.minor < 0 else ""
        tail = f"{self.point}{fraction:0{digits}d}" if digits else ""
        return f"{sign}{whole:,}".replace(",", self.group) + f"{tail} {money.currency}"


ENGLISH: Final = Language(
    code="en",
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    group=",",
    point=".",
    moment="{weekday}, {day} {month} {year}, {clock} ({zone})",
)
GERMAN: Final = Language(
    code="de",
    weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    months=(
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ),
    group=".",
    point=",",
    moment="{weekday}, {day}. {month} {year}, {clock} Uhr ({zone})",
)


def language_for(tag: str) -> Language:
    """By BCP 47 tag; English for whom we have no words."""
    return GERMAN if tag.lower().partition("-")[0] == "de" else ENGLISH


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
