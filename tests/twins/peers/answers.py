"""What all twins of peers share: refusals and pages."""

from __future__ import annotations

from services.kit.errors import Kind, PeerRefused


def refused(kind: Kind, reason: str) -> PeerRefused:
    return PeerRefused(kind, reason, f"twin: {reason}")


def page[T](items: list[T], size: int, token: str) -> tuple[list[T], str]:
    if token and not token.isdigit():
        raise refused(Kind.INVALID, "bad-page-token")
    start = int(token or 0)
    end = start + size
    return items[start:end], str(end) if end < len(items) else ""
