"""Rules that single fields obey; each refuses with `Invalid` and names the field."""

import re
import unicodedata
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.kit.errors import Invalid

SLUG: Final = re.compile(r"[A-Za-z0-9_]{1,20}")
PERSON: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
COUNTRY: Final = re.compile(r"[A-Z]{2}")
ZONE: Final = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
# Whoever shows a time converts it to a zone, which fails at the ends of the calendar.
YEARS: Final = range(2000, 2200)


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Invalid(otherwise)


def check_line(field: str, text: str, *, at_most: int, at_least: int = 0) -> None:
    """One line without control characters: it may become the subject of a mail."""
    _check_length(field, text, at_least, at_most)
    clean = not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)
    require(clean, f"{field}: must not have line breaks or control characters")


def check_text(field: str, text: str, *, at_most: int) -> None:
    """Several lines; NUL and lone surrogates are what PostgreSQL can not keep."""
    _check_length(field, text, 0, at_most)
    clean = not any(character == "\x00" or unicodedata.category(character) == "Cs" for character in text)
    require(clean, f"{field}: must be Unicode text without NUL")


def check_slug(field: str, text: str) -> None:
    require(SLUG.fullmatch(text) is not None, f"{field}: must be 1 to 20 of A-Z a-z 0-9 _")


def check_person(field: str, text: str) -> None:
    require(PERSON.fullmatch(text) is not None, f"{field}: must be 1 to 100 of A-Z a-z 0-9 _ -")


def check_number(field: str, number: int, least: int, most: int) -> None:
    require(least <= number <= most, f"{field}: must be {least} to {most}")


def check_time(field: str, time: datetime) -> None:
    require(time.tzinfo is not None, f"{field}: must have a time zone")
    require(time.year in YEARS, f"{field}: must be in the years {YEARS.start} to {YEARS.stop - 1}")


def check_country(field: str, code: str) -> None:
    require(COUNTRY.fullmatch(code) is not None, f"{field}: must be ISO 3166-1 alpha-2, such as `DE`")


def check_zone(field: str, name: str) -> None:
    require(ZONE.fullmatch(name) is not None and _zone_exists(name), f"{field}: must be IANA, such as `Europe/Berlin`")


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # OSError: the name of a folder of the zone database, such as `Europe`.
        return False
    return True


def _check_length(field: str, text: str, at_least: int, at_most: int) -> None:
    require(len(text) <= at_most, f"{field}: must have at most {at_most} characters")
    require(len(text.strip()) >= at_least, f"{field}: must not be empty")
