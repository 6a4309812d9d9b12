"""Accounts and sessions on the wire."""

from typing import Annotated, Literal

from msgspec import Meta

from services.gateway.models.common import Request, Response, Time, text

type Role = Literal["buyer", "organiser", "admin"]
type Password = Annotated[str, text(1, 128, "10 to 128 characters when it is chosen.")]
type Mail = Annotated[
    str, Meta(min_length=3, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$", examples=["ada@example.com"])
]
type RefreshToken = Annotated[str, text(1, 1000, "The session's current refresh token; it works once.")]


class Register(Request, frozen=True):
    email: Mail
    password: Password
    name: Annotated[str, text(1, 100, "What to call the person.")]
    role: Literal["buyer", "organiser"] = "buyer"


class Login(Request, frozen=True):
    email: Mail
    password: Password


class Refresh(Request, frozen=True):
    refresh_token: RefreshToken


class Logout(Request, frozen=True):
    refresh_token: RefreshToken


class Account(Response, frozen=True):
    id: str
    email: str
    name: str
    roles: list[str]


class Tokens(Response, frozen=True):
    """A session. The access token goes into `Authorization: Bearer …`; the refresh token buys the next pair."""

    access_token: str
    access_expires_at: Time
    refresh_token: str
    refresh_expires_at: Time
    token_type: str = "Bearer"  # noqa: S105 - a scheme, not a secret


class Session(Response, frozen=True):
    account: Account
    tokens: Tokens


class Refreshed(Response, frozen=True):
    tokens: Tokens


class JsonWebKeySet(Response, frozen=True):
    """Public keys (RFC 7517): those of access tokens and those of the QR codes on tickets."""

    keys: list[dict[str, str | list[str]]]
