"""Accounts, sessions and signing keys: values and the rules they obey."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.kit.errors import Kind, Refusal

# Our word about a person is for the calls of a moment.
WORD_LASTS_S: Final = 60
# 256 bits, URL-safe, without padding.
REFRESH_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Role(StrEnum):
    BUYER = "buyer"
    ORGANISER = "organiser"
    ADMIN = "admin"


class EmailTaken(Refusal):
    kind, reason = Kind.CONFLICT, "email-taken"

    def __init__(self) -> None:
        super().__init__("an account with that email exists already")


class UnknownRole(Refusal):
    kind, reason = Kind.INVALID, "unknown-role"

    def __init__(self) -> None:
        super().__init__("role: not one that can be had this way")


class OrganiserSignupClosed(Refusal):
    kind, reason = Kind.FORBIDDEN, "organiser-signup-closed"

    def __init__(self) -> None:
        super().__init__("organisers can not sign up by themselves here")


class UnknownUser(Refusal):
    kind, reason = Kind.MISSING, "unknown-user"

    def __init__(self) -> None:
        super().__init__("no account of that user")


class WrongCredentials(Refusal):
    """The same for an unknown account and for a wrong password."""

    kind, reason = Kind.UNAUTHENTICATED, "wrong-credentials"

    def __init__(self) -> None:
        super().__init__("email and password do not belong together")


class TooManyLogins(Refusal):
    """The same whether the account exists or not, and whether the password is right or not."""

    kind, reason = Kind.EXHAUSTED, "too-many-attempts"

    def __init__(self, *, retry_after_s: float) -> None:
        super().__init__("too many attempts to log in: wait")
        self.retry_after_s = retry_after_s


class InvalidRefreshToken(Refusal):
    kind, reason = Kind.UNAUTHENTICATED, "invalid-token"

    def __init__(self) -> None:
        super().__init__("the refresh token is unknown, expired or revoked: log in again")


class TokenReused(Refusal):
    kind, reason = Kind.UNAUTHENTICATED, "token-reused"

    def __init__(self) -> None:
        super().__init__("the refresh token was used before: its session has ended, log in again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    user_id: str
    # Normalised: see credentials.normalised_email.
    email: str
    name: str
    password_hash: str = field(repr=False)
    roles: tuple[Role, ...]
    created_at: datetime

    def with_role(self, role: Role) -> Account:
        """This account with that role too; the order of roles is always the same."""
        return replace(self, roles=tuple(known for known in Role if known in {*self.roles, role}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A family of refresh tokens, each made from the one before; all live and die together."""

    session_id: str
    user_id: str
    created_at: datetime
    # That of its youngest token.
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """What we keep of a refresh token: not the token."""

    digest: bytes
    session_id: str
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccessToken:
    text: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """What a client gets."""

    access: AccessToken
    refresh_token: str = field(repr=False)
    refresh_expires_at: datetime


@dataclass(frozen=True, slots=True)
class Vouching:
    """A wish for our word about whoever holds the access token."""

    access_token: str = field(repr=False)
    # The service that is to believe it.
    audience: str
    # base64url of the key that speaks for the person.
    speaker: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    account: Account
    tokens: TokenPair


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The fact that somebody has an account now."""

    user_id: str
    email: str
    name: str
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One key of ours. It may be verified with from its making on, and signs from a little later."""

    kid: str
    public_key: bytes
    # Readable with AUTH_KEY_SECRET alone.
    sealed_private_key: bytes = field(repr=False)
    created_at: datetime
    signs_from: datetime
    # None for the one that has no successor yet.
    retires_at: datetime | None = None


def known_role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        raise UnknownRole from error


def roles_at_signup(wanted: str, *, organisers_may: bool) -> tuple[Role, ...]:
    """Everybody is a buyer; an organiser is one on top. Nobody makes an admin of themselves."""
    if wanted in ("", Role.BUYER):
        return (Role.BUYER,)
    if wanted != Role.ORGANISER:
        raise UnknownRole
    if not organisers_may:
        raise OrganiserSignupClosed
    return (Role.BUYER, Role.ORGANISER)


def new_refresh_token() -> str:
    return secrets.token_urlsafe(32)


def digest_of(refresh_token: str) -> bytes:
    """What we know a token by. A plain hash will do: 256 random bits can not be guessed from it."""
    if not REFRESH_TOKEN.fullmatch(refresh_token):
        raise InvalidRefreshToken
    return hashlib.sha256(refresh_token.encode()).digest()


def refusal_to_refresh(token: RefreshToken, session: Session, *, now: datetime) -> Refusal | None:
    """Why this token gives no new pair; None: it does."""
    # First of all: somebody else may hold a token of this session, whatever became of it since.
    if token.used_at is not None:
        return TokenReused()
    if session.revoked_at is not None or token.expires_at <= now:
        return InvalidRefreshToken()
    return None


def key_that_signs(keys: Sequence[SigningKey], *, now: datetime) -> SigningKey | None:
    """The youngest of those whose time has come."""
    ready = [key for key in keys if key.signs_from <= now]
    return max(ready, key=lambda key: (key.signs_from, key.kid), default=None)


def keys_to_publish(keys: Sequence[SigningKey], *, now: datetime) -> Sequence[SigningKey]:
    """Those that some valid token may be signed with, now or soon."""
    return [key for key in keys if key.retires_at is None or now < key.retires_at]


def key_that_waits(keys: Sequence[SigningKey], *, now: datetime) -> SigningKey | None:
    """The successor that was made and does not sign yet."""
    return next((key for key in keys if key.signs_from > now), None)


def retired(keys: Sequence[SigningKey], *, at: datetime) -> Sequence[SigningKey]:
    """Those without an end, with that one."""
    return [replace(key, retires_at=at) for key in keys if key.retires_at is None]


def expiry(at: datetime, lasts_s: float) -> datetime:
    return at + timedelta(seconds=lasts_s)
