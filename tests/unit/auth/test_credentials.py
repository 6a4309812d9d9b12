"""What an email, a name and a password must be like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.auth.credentials import InvalidEmail, WeakPassword, checked_name, checked_password, normalised_email
from services.kit.errors import Invalid, Refusal


def test_an_email_has_one_spelling() -> None:
    assert normalised_email("  Ada.Lovelace+Tickets@Example.COM ") == "ada.lovelace+tickets@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "a da@example.com",
        "ada@exa mple.com",
        "ada@example..com",
        "ada@-example.com",
        ".ada@example.com",
        "ada.@example.com",
        "a..da@example.com",
        "ada@example.com\nBcc: eve@example.com",
        "ada\x00@example.com",
        "ada\ud800@example.com",
        "ада@example.com",
        "ada@eve@example.com",
        f"{'a' * 65}@example.com",
        f"ada@{'a.' * 130}com",
    ],
)
def test_what_mail_can_not_be_sent_to_is_refused(text: str) -> None:
    with pytest.raises(InvalidEmail):
        normalised_email(text)


@given(st.text())
def test_an_email_is_normalised_once_or_refused(text: str) -> None:
    try:
        email = normalised_email(text)
    except Refusal:
        return
    assert normalised_email(email) == email


@pytest.mark.parametrize("text", ["", "   ", "a" * 101, "Ada\nLovelace", "Ada\x00", "Ada\ud800", "Ada\u2028L"])
def test_a_name_is_one_line_of_up_to_a_hundred_characters(text: str) -> None:
    with pytest.raises(Invalid, match="name: "):
        checked_name(text)


def test_a_name_may_be_of_any_script() -> None:
    assert checked_name(" Ѓорѓи O'Brien-小林 👩‍🚀 ") == "Ѓорѓи O'Brien-小林 👩‍🚀"


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "a" * 129,
        "ninechars",
        "Ada.Lovelace@example.com",
        "ada.lovelace",
        "Password123",
        "qwertyuiop",
        "ßßßßßßßßßßß",
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        checked_password(password, email="ada.lovelace@example.com")


@pytest.mark.parametrize("password", ["ten chars.", "x1" * 64, "пароль-пароль-1"])
def test_a_password_of_ten_to_128_characters_is_taken(password: str) -> None:
    assert checked_password(password, email="ada@example.com") == password


def test_a_password_is_text() -> None:
    with pytest.raises(Invalid, match="password: must be text"):
        checked_password("half of a pair \ud800", email="ada@example.com")
