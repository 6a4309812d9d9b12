"""The only place where our words meet gRPC's."""

from typing import Final

import grpc
from grpc import StatusCode

from services.kit.errors import (
    KINDS,
    CallNotAllowed,
    DependencyDown,
    Kind,
    NotNow,
    Overloaded,
    PeerRefused,
    PersonNotProven,
    Told,
)

STATUS: Final = {
    Kind.INVALID: StatusCode.INVALID_ARGUMENT,
    Kind.UNAUTHENTICATED: StatusCode.UNAUTHENTICATED,
    Kind.FORBIDDEN: StatusCode.PERMISSION_DENIED,
    Kind.MISSING: StatusCode.NOT_FOUND,
    Kind.CONFLICT: StatusCode.FAILED_PRECONDITION,
    Kind.EXHAUSTED: StatusCode.RESOURCE_EXHAUSTED,
    Kind.LATER: StatusCode.UNAVAILABLE,
}
_KIND_OF: Final = {status: kind for kind, status in STATUS.items()}
# What the library itself says when a peer is gone, slow, or going: nobody knows what became of the call.
_NO_ANSWER: Final = {StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED}


class PeerFault(Exception):
    """The peer failed in a way that it should not; a bug on one side of the wire."""


def status_of(told: Told) -> StatusCode:
    """The status an answer has on the wire."""
    # Not UNAVAILABLE, which the library sends again by itself: that makes more of what there is too much of.
    return StatusCode.RESOURCE_EXHAUSTED if isinstance(told, Overloaded) else STATUS[told.kind]


def trailers(told: Told) -> tuple[tuple[str, str], ...]:
    """The trailing metadata that carries what a status code can not."""
    pairs = [("reason", told.reason)]
    if told.retry_after_s is not None:
        pairs.append(("retry-after-s", f"{told.retry_after_s:g}"))
    return tuple(pairs)


def told_by(peer: str, error: grpc.aio.AioRpcError) -> Exception:
    """What a failed call means to us: Told with the peer's own reason, or a fault."""
    metadata = {key: value for key, value in error.trailing_metadata() or () if isinstance(value, str)}
    code, reason = error.code(), metadata.get("reason")
    if reason is None or code not in _KIND_OF:
        if code in _NO_ANSWER or code is StatusCode.RESOURCE_EXHAUSTED:
            return DependencyDown(peer)
        return PeerFault(f"{peer}: {code.name}: {error.details()}")
    if reason in (CallNotAllowed.reason, PersonNotProven.reason):
        # A hole in the table, or a platform between two modes. No buyer hears "no" because of it.
        return DependencyDown(peer)
    wait = metadata.get("retry-after-s")
    kind = Kind.LATER if reason == Overloaded.reason else _KIND_OF[code]
    return told(kind, reason, error.details() or "", float(wait) if wait else None)


def told(kind: Kind, reason: str, message: str, retry_after_s: float | None = None) -> Told:
    """An answer as it came over the wire, in a status or as one item of a batch."""
    if kind is not Kind.LATER:
        return PeerRefused(kind, reason, message, retry_after_s)
    later = NotNow(message)
    later.reason, later.retry_after_s = reason, retry_after_s or NotNow.retry_after_s
    return later


def kind_named(name: str) -> Kind:
    """The kind of a refusal.Refused message; one we do not know yet is a conflict."""
    return KINDS.get(name, Kind.CONFLICT)
