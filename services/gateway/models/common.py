"""Values that every part of the API shares: money, times, texts, pages, problems."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

# PostgreSQL can not store it and no text of ours needs it.
_NO_NUL: Final = r"^[^\x00]*$"


def text(least: int, most: int, description: str) -> Meta:
    """A text of that many characters, without NUL."""
    return Meta(min_length=least, max_length=most, pattern=_NO_NUL, description=description)


type Time = Annotated[datetime, Meta(tz=True, description="RFC 3339; answers are in UTC.")]
type Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217 code.", examples=["EUR"])]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body or query that a client sends; a field it does not know is refused rather than ignored."""


class Response(msgspec.Struct, frozen=True):
    """A body that a client gets; clients ignore fields they do not know."""


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount in minor units: 1250 EUR is 12.50 €."""

    amount: Annotated[int, Meta(ge=0, le=1_000_000_000_000, description="Minor units (cents, pence, yen).")]
    currency: Currency


class PageQuery(Request, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=100, description="How many items to return at most.")] = 20
    cursor: Annotated[
        str, Meta(max_length=1000, pattern="^[A-Za-z0-9_-]*$", description="`next_cursor` of the page before.")
    ] = ""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a request was not done (RFC 9457)."""

    type: Annotated[str, Meta(description="A page that explains this kind of problem.")]
    title: str
    status: int
    detail: Annotated[str, Meta(description="A sentence for people about this very occurrence; it may change.")]
    instance: Annotated[str, Meta(description="The path that was asked for.")]
    reason: Annotated[str, Meta(description="A stable slug that a program may act on.", examples=["seat-taken"])]
    retry_after_s: Annotated[
        float | None, Meta(description="How long to wait before asking again; absent where that is of no use.")
    ] = None
    field: Annotated[str | None, Meta(description="JSON path of the field at fault.", examples=["$.seats[0]"])] = None
