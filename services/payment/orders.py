"""A wish to pay as it comes from outside, and the rules that its fields obey."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.kit.errors import Invalid
from services.kit.money import Money, checked_currency
from services.payment.domain import InvalidAmount, InvalidPaymentMethod, Payment

MAX_BATCH: Final = 500
MAX_KEY: Final = 200
MAX_DESCRIPTION: Final = 500
MAX_ATTEMPT: Final = 1000
# Stripe takes eight digits.
MAX_MINOR: Final = 99_999_999
TOKEN: Final = re.compile(r"pm_[A-Za-z0-9_]{1,120}")
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
CARD_NUMBER: Final = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    key: str
    booking_id: str
    user_id: str
    amount: Money
    payment_method: str = ""
    description: str = ""
    # Which try to pay this is.
    attempt: int = 1

    def checked(self) -> Order:
        """This order, if every field obeys its rule. No message repeats what was sent."""
        checked_key(self.key)
        for name in ("booking_id", "user_id"):
            _checked_text(name, getattr(self, name), 1, MAX_KEY)
        _checked_text("description", self.description, 0, MAX_DESCRIPTION)
        checked_amount(self.amount)
        checked_attempt(self.attempt)
        if self.payment_method and (not TOKEN.fullmatch(self.payment_method) or holds_card(self.payment_method)):
            raise InvalidPaymentMethod
        return self

    def as_payment(self, payment_id: str, provider: str, *, at: datetime) -> Payment:
        return Payment(
            payment_id=payment_id,
            key=self.key,
            booking_id=self.booking_id,
            user_id=self.user_id,
            amount=self.amount,
            payment_method=self.payment_method,
            description=self.description,
            attempt=self.attempt,
            provider=provider,
            created_at=at,
            updated_at=at,
        )


def checked_key(key: str, name: str = "key") -> str:
    _checked_text(name, key, 1, MAX_KEY)
    return key


def checked_amount(amount: Money) -> Money:
    if not 0 < amount.minor <= MAX_MINOR:
        raise InvalidAmount(f"must be 1 to {MAX_MINOR} minor units")
    checked_currency(amount.currency)
    return amount


def checked_attempt(attempt: int) -> int:
    if not 0 <= attempt <= MAX_ATTEMPT:
        raise Invalid(f"attempt: must be 0 to {MAX_ATTEMPT}")
    return attempt


def holds_card(text: str) -> bool:
    """True when there is something in it that looks like a card number."""
    plain = UUID.sub("", text)
    return any(_luhn(re.sub(r"[ -]", "", found.group())) for found in CARD_NUMBER.finditer(plain))


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _checked_text(name: str, text: str, least: int, most: int) -> None:
    if not least <= len(text) <= most:
        raise Invalid(f"{name}: must have {least} to {most} characters")
    # NUL and its like, and halves of surrogate pairs, which no database takes.
    if not (text.isascii() and text.isprintable()) and any(not sign.isprintable() for sign in text):
        raise Invalid(f"{name}: must have printable characters only")
    if holds_card(text):
        raise Invalid(f"{name}: holds what looks like a card number")
