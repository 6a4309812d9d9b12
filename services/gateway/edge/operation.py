"""An operation of the API: what it takes, gives and refuses. The routes, the OpenAPI and /docs are made from these."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from services.kit.errors import Kind, Refusal
from services.kit.tokens import Identity

NO_STORE: Final = "no-store"


class Auth(enum.Enum):
    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Limit(enum.Enum):
    """Which budget a request is taken from; see limits.py."""

    # The user's when there is one, the address's otherwise.
    CALLER = "caller"
    BOOKINGS = "bookings"


class MissingToken(Refusal):
    kind, reason = Kind.UNAUTHENTICATED, "missing-token"

    def __init__(self) -> None:
        super().__init__("this needs an access token: Authorization: Bearer …")


class Forbidden(Refusal):
    kind, reason = Kind.FORBIDDEN, "forbidden"

    def __init__(self) -> None:
        super().__init__("your account has no role that may do this")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call[Body, Query]:
    """One request, checked as far as its operation says."""

    body: Body
    query: Query
    # Path parameters.
    ids: Mapping[str, str]
    headers: Mapping[str, str]
    address: str
    # The trace this request belongs to, as the next process wants it; empty when there is none.
    traceparent: str
    token: str
    # None where the operation lets strangers in.
    caller: Identity | None

    @property
    def identity(self) -> Identity:
        if self.caller is None:
            raise MissingToken
        return self.caller

    @property
    def user_id(self) -> str:
        return self.identity.user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back: a struct to encode, or bytes that are encoded already."""

    body: msgspec.Struct | None = None
    encoded: bytes | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header that an operation reads or sets."""

    name: str
    description: str
    pattern: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation[Body, Query]:
    """A row of the API's table."""

    method: str
    path: str
    tag: str
    summary: str
    run: Callable[[Call[Body, Query]], Awaitable[Answer]]
    # None: takes no body, or no query.
    body: type[Body]
    query: type[Query]
    answer: type[msgspec.Struct] | None
    description: str = ""
    status: int = 200
    # Other statuses it answers without a body, such as 304.
    also: Mapping[int, str] = field(default_factory=dict)
    auth: Auth = Auth.REQUIRED
    # Any of these; empty: every role.
    roles: frozenset[str] = frozenset()
    limit: Limit = Limit.CALLER
    # False: no body means all its defaults.
    body_required: bool = True
    # What a malformed id in the path is answered with: it names nothing of ours.
    missing: str = ""
    # Reasons of refusals that are this operation's own; those of authentication and form are added.
    errors: Sequence[str] = ()
    request_headers: Sequence[Header] = ()
    answer_headers: Sequence[Header] = ()
    example: Mapping[str, object] | None = None
    answer_example: Mapping[str, object] | None = None

    @property
    def name(self) -> str:
        """Unique among operations, such as `post_bookings_id_cancel`."""
        words = self.path.removeprefix("/api/v1").replace("{", "").replace("}", "").replace(".", "/").split("/")
        return "_".join([self.method.lower(), *filter(None, words)]).replace("-", "_")

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


type AnyOperation = Operation[Any, Any]
Nothing: Final = type(None)
