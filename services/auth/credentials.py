"""What an email, a name and a password must be like."""

import re
import unicodedata
from pathlib import Path
from typing import Final

from services.kit.errors import Invalid, Kind, Refusal

MAX_EMAIL: Final = 254
MAX_LOCAL_PART: Final = 64
MAX_NAME: Final = 100
MIN_PASSWORD: Final = 10
MAX_PASSWORD: Final = 128

# ASCII only: what looks like another's address is refused together with what our mail server can not send to.
_ATOM: Final = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
# Control characters, lone surrogates, and line and paragraph separators: they break databases, headers and lines.
_NEVER_IN_A_NAME: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})

# The most common passwords of at least ten characters, as lists of leaked ones have them. Shorter ones are refused
# by their length.
_COMMON: Final = frozenset(Path(__file__).with_name("common_passwords.txt").read_text().split())


class InvalidEmail(Refusal):
    kind, reason = Kind.INVALID, "invalid-email"

    def __init__(self) -> None:
        super().__init__("email: not an address that mail can be sent to")


class WeakPassword(Refusal):
    kind, reason = Kind.INVALID, "weak-password"

    def __init__(self, why: str) -> None:
        super().__init__(f"password: {why}")


def normalised_email(text: str) -> str:
    """The one spelling by which we know an address. Refuses what is none."""
    email = text.strip().lower()
    fits = len(email) <= MAX_EMAIL and len(email.partition("@")[0]) <= MAX_LOCAL_PART
    if not (fits and _EMAIL.fullmatch(email)):
        raise InvalidEmail
    return email


def checked_name(text: str) -> str:
    name = text.strip()
    if not 0 < len(name) <= MAX_NAME:
        raise Invalid(f"name: must have 1 to {MAX_NAME} characters")
    if any(unicodedata.category(character) in _NEVER_IN_A_NAME for character in name):
        raise Invalid("name: must be one line of text")
    return name


def checked_password(text: str, *, email: str) -> str:
    """A new password, if it is hard enough to guess for whoever knows the (normalised) email."""
    if not MIN_PASSWORD <= len(text) <= MAX_PASSWORD:
        raise WeakPassword(f"must have {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    if not is_text(text):
        raise Invalid("password: must be text")
    if text.lower() in (email, email.partition("@")[0]):
        raise WeakPassword("must not be the email")
    if text.lower() in _COMMON or len(set(text)) == 1:
        raise WeakPassword("is one of the first that anybody would try")
    return text


def is_text(text: str) -> bool:
    """False for lone surrogates, which have no bytes, and for NUL, which many libraries end at."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
