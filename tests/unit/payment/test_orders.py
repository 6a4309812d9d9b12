"""What may be asked of payment, and what is refused before anybody sees it."""

import pytest

from services.kit.errors import Invalid, Refusal
from services.kit.money import Money
from services.payment.domain import InvalidAmount, InvalidPaymentMethod
from services.payment.orders import Order, holds_card

VISA = "4242424242424242"


def order(**changed: object) -> Order:
    fields = {"key": "k1", "booking_id": "b1", "user_id": "u1", "amount": Money(5000, "EUR")}
    return Order(**(fields | changed))


@pytest.mark.parametrize("payment_method", ["", "pm_card_visa", "pm_1PqXyZ2eZvKYlo2C0abcDEF4"])
def test_a_token_or_nothing_is_a_payment_method(payment_method: str) -> None:
    order(payment_method=payment_method).checked()


@pytest.mark.parametrize(
    "payment_method", [VISA, "4242 4242 4242 4242", f"pm_{VISA}", "card", "pm_", "pm_é", "pm_a\x00"]
)
def test_no_other_payment_method_is_taken_or_repeated(payment_method: str) -> None:
    with pytest.raises(InvalidPaymentMethod) as refused:
        order(payment_method=payment_method).checked()

    assert VISA not in str(refused.value)


@pytest.mark.parametrize("name", ["key", "booking_id", "user_id", "description"])
@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x" * 501, f"card {VISA}!", "4242-4242-4242-4242", "new\nline"])
def test_hostile_text_is_refused_and_not_repeated(name: str, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        order(**{name: text}).checked()

    assert VISA not in str(refused.value)
    assert str(refused.value).startswith(f"{name}: ")


@pytest.mark.parametrize("name", ["key", "booking_id", "user_id"])
def test_names_must_be_there(name: str) -> None:
    with pytest.raises(Invalid):
        order(**{name: ""}).checked()


@pytest.mark.parametrize("minor", [0, -1, 100_000_000, 2**63 - 1])
def test_an_amount_has_bounds(minor: int) -> None:
    with pytest.raises(InvalidAmount):
        order(amount=Money(minor, "EUR")).checked()


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "E\x00R", "ÄÖÜ"])
def test_a_currency_has_a_form(currency: str) -> None:
    with pytest.raises(Refusal):
        order(amount=Money(1, currency)).checked()


def test_a_uuid_is_not_a_card() -> None:
    assert not holds_card("booking 42424242-4242-4242-9999-999999999999")
    assert not holds_card("4242424242424241")
    assert holds_card(f"pay with {VISA} please")
