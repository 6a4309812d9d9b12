"""Amounts as people write them."""

import pytest

from services.email_worker.words import ENGLISH, GERMAN, language_for
from services.kit.money import Money


@pytest.mark.parametrize(
    ("money", "english", "german"),
    [
        (Money(1250, "EUR"), "12.50 EUR", "12,50 EUR"),
        (Money(5, "USD"), "0.05 USD", "0,05 USD"),
        (Money(123456789, "EUR"), "1,234,567.89 EUR", "1.234.567,89 EUR"),
        (Money(1250, "JPY"), "1,250 JPY", "1.250 JPY"),
        (Money(1250, "KWD"), "1.250 KWD", "1,250 KWD"),
        (Money(-1250, "EUR"), "-12.50 EUR", "-12,50 EUR"),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(money: Money, english: str, german: str) -> None:
    assert ENGLISH.amount(money) == english
    assert GERMAN.amount(money) == german


@pytest.mark.parametrize(("tag", "language"), [("de", GERMAN), ("DE-ch", GERMAN), ("en", ENGLISH), ("fr", ENGLISH)])
def test_who_speaks_neither_is_written_to_in_english(tag: str, language: object) -> None:
    assert language_for(tag) is language
