"""People and where they live: values and the rules their fields obey."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.kit.errors import Invalid, Kind, Refusal

MAX_ADDRESSES: Final = 20
MAX_NAME: Final = 100
MAX_LINE: Final = 200
E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
COUNTRY: Final = re.compile(r"[A-Z]{2}")
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class UnknownUser(Refusal):
    kind, reason = Kind.MISSING, "unknown-user"

    def __init__(self) -> None:
        super().__init__("no profile of that user")


class UnknownAddress(Refusal):
    kind, reason = Kind.MISSING, "unknown-address"

    def __init__(self) -> None:
        super().__init__("no such address of that user")


class TooManyAddresses(Refusal):
    kind, reason = Kind.CONFLICT, "too-many-addresses"

    def __init__(self) -> None:
        super().__init__(f"a user has at most {MAX_ADDRESSES} addresses")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    user_id: str
    email: str
    name: str
    phone: str = ""
    language: str = "en"
    created_at: datetime
    updated_at: datetime

    def changed(self, change: ProfileChange, *, at: datetime) -> Profile:
        return replace(
            self,
            name=self.name if change.name is None else change.name,
            phone=self.phone if change.phone is None else change.phone,
            language=self.language if change.language is None else change.language,
            updated_at=at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """What to change; None leaves a field as it is."""

    name: str | None = None
    phone: str | None = None
    language: str | None = None

    def checked(self) -> ProfileChange:
        """This change, if every field obeys its rule."""
        if self.name is not None:
            _require(0 < len(self.name.strip()) <= MAX_NAME, f"name: must have 1 to {MAX_NAME} characters")
        if self.phone:
            _require(E164.fullmatch(self.phone) is not None, "phone: must be E.164, such as +4930123456")
        if self.language is not None:
            _require(LANGUAGE.fullmatch(self.language) is not None, "language: must be BCP 47, such as `en`")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    address_id: str
    label: str
    line1: str
    line2: str
    city: str
    postal_code: str
    country: str
    is_default: bool

    def checked(self) -> Address:
        """This address, if every field obeys its rule."""
        for name in ("line1", "city", "postal_code"):
            _require(bool(getattr(self, name).strip()), f"{name}: must not be empty")
        for name in ("label", "line1", "line2", "city", "postal_code"):
            _require(len(getattr(self, name)) <= MAX_LINE, f"{name}: must have at most {MAX_LINE} characters")
        _require(COUNTRY.fullmatch(self.country) is not None, "country: must be ISO 3166-1 alpha-2, such as `DE`")
        return self


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Invalid(otherwise)
