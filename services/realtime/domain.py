"""What browsers are told, and the rules that words from outside obey."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.kit.errors import Invalid, Kind, NotNow, Refusal
from services.kit.ids import is_id

MAX_USER_ID: Final = 200
# Whoever watches without an account.
GUEST: Final = ""
MAX_DEDUPE_KEY: Final = 200
MAX_JSON_BYTES: Final = 64 * 1024
MAX_ROOMS: Final = 20
MAX_SOCKETS_PER_USER: Final = 10
MAX_NUMBER: Final = 2**53 - 1
_TYPE: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_CURSOR: Final = re.compile(r"([0-9]{1,15})-([0-9]{1,15})")
_ROOM: Final = "event:"
# Types that only we may use: a client acts on them.
_OURS: Final = frozenset({"ready", "pong", "error"})

# A place in a user's inbox: milliseconds and a number within them, as Redis names entries.
type Cursor = tuple[int, int]
BEGINNING: Final[Cursor] = (0, 0)
_LAST_IN_MS: Final = 10**15 - 1


class TooManyRooms(Refusal):
    kind, reason = Kind.EXHAUSTED, "too-many-rooms"

    def __init__(self) -> None:
        super().__init__(f"a socket is in at most {MAX_ROOMS} rooms: leave one first")


class TooManySockets(Refusal):
    kind, reason = Kind.EXHAUSTED, "too-many-sockets"

    def __init__(self) -> None:
        super().__init__(f"a user has at most {MAX_SOCKETS_PER_USER} sockets")


class TooManyGuests(NotNow):
    reason, retry_after_s = "too-many-guests", 5.0

    def __init__(self) -> None:
        super().__init__("no more guests here: sign in, or come back later")


@dataclass(frozen=True, slots=True)
class UserMessage:
    """Something one user is told, on all their sockets and after every reconnect of the next while."""

    user_id: str
    # What the client sees as `type`.
    type: str
    # JSON: what the client sees as `data`.
    body: bytes
    # Sent once per user and key; empty: every time.
    dedupe: str = ""
    # False: it says less than another message of the same key would; that one is sent all the same.
    complete: bool = True
    # Of the request that it is the answer to; it goes to the socket when that trace is sampled.
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A user message as it goes to sockets: the place in the inbox, and the whole text."""

    user_id: str
    cursor: Cursor
    text: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """How far the queue of an event has been served, and the last number given out."""

    event_id: str
    now_serving: int
    last_number: int

    def checked(self) -> Line:
        if not is_id(self.event_id):
            raise Invalid("event_id: must be a UUID")
        if not 0 <= self.now_serving <= MAX_NUMBER:
            raise Invalid(f"now_serving: must be 0 to {MAX_NUMBER}")
        if not 0 <= self.last_number <= MAX_NUMBER:
            raise Invalid(f"last_number: must be 0 to {MAX_NUMBER}")
        return self


def room_of(event_id: str) -> str:
    return _ROOM + event_id


def event_of(room: str) -> str:
    return room.removeprefix(_ROOM)


def checked_room(room: str) -> str:
    if room.startswith(_ROOM) and is_id(event_of(room)):
        return room
    raise Invalid("room: must be `event:` and the event's id")


def checked_user(user_id: str) -> str:
    if 0 < len(user_id) <= MAX_USER_ID:
        return user_id
    raise Invalid(f"user_id: must have 1 to {MAX_USER_ID} characters")


def checked_type(name: str) -> str:
    if _TYPE.fullmatch(name) and name not in _OURS:
        return name
    raise Invalid("type: must be lower case letters, digits and `-`, and none of ready, pong, error")


def checked_dedupe_key(key: str) -> str:
    if len(key) <= MAX_DEDUPE_KEY:
        return key
    raise Invalid(f"dedupe_key: must have at most {MAX_DEDUPE_KEY} characters")


def parsed_cursor(text: str) -> Cursor:
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise Invalid("cursor: must be the id of a message, or the cursor that `ready` told")
    return int(found[1]), int(found[2])


def cursor_text(cursor: Cursor) -> str:
    return f"{cursor[0]}-{cursor[1]}"


def just_before(cursor: Cursor) -> Cursor:
    ms, number = cursor
    if number > 0:
        return ms, number - 1
    return (ms - 1, _LAST_IN_MS) if ms > 0 else BEGINNING


def ready_cursor(newest: Cursor, arrived: Sequence[Delivered]) -> Cursor:
    """Where a socket without a cursor begins: after what was there, before what arrived while it was welcomed."""
    return min([newest, *(just_before(message.cursor) for message in arrived[:1])])
