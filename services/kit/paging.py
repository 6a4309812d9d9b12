"""Keyset pages: an opaque token that says after which row the next page begins."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from services.kit.errors import Kind, Refusal

DEFAULT_SIZE: Final = 20
MAX_SIZE: Final = 100


class BadPageToken(Refusal):
    kind, reason = Kind.INVALID, "bad-page-token"

    def __init__(self) -> None:
        super().__init__("page token: not one that this list gave out")


class BadPageSize(Refusal):
    kind, reason = Kind.INVALID, "bad-page-size"

    def __init__(self) -> None:
        super().__init__(f"page size: must be 1 to {MAX_SIZE}, or 0 for {DEFAULT_SIZE}")


@dataclass(frozen=True, slots=True)
class Page[T]:
    items: Sequence[T]
    # Empty on the last page.
    next_token: str


def page_size(asked: int) -> int:
    """0 means the default. Refuses what is negative or too large."""
    if not 0 <= asked <= MAX_SIZE:
        raise BadPageSize
    return asked or DEFAULT_SIZE


def to_token(*key: str | int) -> str:
    """The token of the page after the row with that sort key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def from_token[K](token: str, shape: type[K]) -> K:
    """The sort key within a token, e.g. `from_token(token, tuple[str, str])`. Refuses any other text."""
    try:
        padded = token + "=" * (-len(token) % 4)
        return msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=shape)
    except (binascii.Error, ValueError, msgspec.DecodeError) as malformed:
        raise BadPageToken from malformed
