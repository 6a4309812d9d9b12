"""Money: integer minor units and an ISO 4217 code, never a float."""

from __future__ import annotations

from dataclasses import dataclass

from services.kit.errors import Invalid


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (1250 EUR is 12.50 EUR). Adding two currencies is a fault and raises ValueError."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{other.currency} added to {self.currency}")
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return self + Money(-other.minor, other.currency)


def checked_currency(code: str) -> str:
    """The code, if it has the form of ISO 4217: three upper case letters."""
    if len(code) == 3 and code.isascii() and code.isalpha() and code.isupper():
        return code
    raise Invalid(f"currency: not an ISO 4217 code: {code[:10]!r}")
