"""What a caller may be told. Anything that is not Told is our fault and stays inside."""

import enum
from typing import Final


class Kind(enum.Enum):
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    CONFLICT = "conflict"
    EXHAUSTED = "exhausted"
    LATER = "later"


class Told(Exception):
    """An answer other than success. `reason` is a stable slug; the message is for people and may change."""

    kind: Kind
    reason: str
    # How long the caller should wait before it asks again; None where asking again is of no use.
    retry_after_s: float | None = None


class Refusal(Told):
    """No, and asking again changes nothing. Subclasses name their kind and reason."""


class NotNow(Told):
    """Nobody knows yet: something we depend on did not answer. The same request may be sent again."""

    kind = Kind.LATER
    reason = "unavailable"
    retry_after_s = 1.0


class DependencyDown(NotNow):
    """A store or a peer did not answer; `dependency` says which."""

    reason = "dependency-down"

    def __init__(self, dependency: str) -> None:
        super().__init__(f"{dependency} does not answer")
        self.dependency = dependency


class Contended(NotNow):
    """The database gave up on a transaction that others stood in the way of; it changed nothing."""

    reason = "database-busy"

    def __init__(self) -> None:
        super().__init__("too many wanted the same rows at once")


class Overloaded(NotNow):
    """More waits already than may wait."""

    reason = "overloaded"

    def __init__(self, what: str) -> None:
        super().__init__(f"too much is waiting for {what}")


class Invalid(Refusal):
    """A field that no rule of ours can accept; the message names it."""

    kind, reason = Kind.INVALID, "invalid-argument"


class TooManyAttempts(Refusal):
    """Slow down: the limit is named in the message, the wait in `retry_after_s`."""

    kind, reason = Kind.EXHAUSTED, "too-many-requests"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class CallNotAllowed(Refusal):
    """The table does not grant this method to whoever calls."""

    kind, reason = Kind.FORBIDDEN, "call-not-allowed"


class PersonNotProven(Refusal):
    """A call, or an order, that names a person and brings no proof that this person wants it."""

    kind, reason = Kind.UNAUTHENTICATED, "person-not-proven"


class PeerRefused(Refusal):
    """A refusal as it came over the wire, with the peer's own kind and reason."""

    def __init__(self, kind: Kind, reason: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.kind, self.reason, self.retry_after_s = kind, reason, retry_after_s


KINDS: Final = {kind.value: kind for kind in Kind}
