"""What a room hears, and how two messages that wait become one."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import msgspec

from services.realtime.domain import Line, event_of, room_of


class Broadcast(Protocol):
    """A message to a room."""

    @property
    def room(self) -> str: ...

    @property
    def topic(self) -> str:
        """Messages of one room and topic that wait are merged; empty: never."""

    @property
    def text(self) -> bytes:
        """What every socket in the room is sent; made once."""

    def merged(self, newer: Broadcast) -> Broadcast:
        """One message that says all that both say."""


class Announcement:
    """Anything another service wants a room to hear: each one is sent."""

    topic = ""

    def __init__(self, room: str, kind: str, body: bytes) -> None:
        self.room, self.kind, self.body = room, kind, body

    @cached_property
    def text(self) -> bytes:
        return room_text(self.kind, self.room, self.body)

    def merged(self, newer: Broadcast) -> Broadcast:
        return newer


class QueueMoved:
    """How far the queue is: only the newest is worth telling."""

    topic = "queue"

    def __init__(self, line: Line) -> None:
        self.line, self.room = line, room_of(line.event_id)

    @cached_property
    def text(self) -> bytes:
        line = self.line
        body = b'{"event_id":"%b","now_serving":%d,"last_number":%d}'
        return room_text("queue", self.room, body % (line.event_id.encode(), line.now_serving, line.last_number))

    def merged(self, newer: Broadcast) -> Broadcast:
        # Two workers in turn may overtake each other; the queue itself never goes back.
        if isinstance(newer, QueueMoved) and newer.line.now_serving >= self.line.now_serving:
            return newer
        return self


class Seat(msgspec.Struct, frozen=True):
    id: str
    state: str


class Section(msgspec.Struct, frozen=True):
    id: str
    free: int
    held: int
    sold: int


class SeatsDelta(msgspec.Struct, frozen=True):
    """What changed in an event's places after version `since`, up to and with `version`."""

    event_id: str
    since: int
    version: int
    seats: tuple[Seat, ...]
    sections: tuple[Section, ...]

    def merged(self, newer: SeatsDelta) -> SeatsDelta:
        if newer.version <= self.version:
            return self
        if newer.since > self.version:
            # Something between the two was missed: whoever hears only the newer one notices, and asks for a snapshot.
            return newer
        return SeatsDelta(
            self.event_id,
            self.since,
            newer.version,
            tuple(({seat.id: seat for seat in self.seats} | {seat.id: seat for seat in newer.seats}).values()),
            tuple(({one.id: one for one in self.sections} | {one.id: one for one in newer.sections}).values()),
        )


class SeatsMoved:
    """Places that changed: a later state of a place replaces an earlier one."""

    topic = "seats"

    def __init__(self, room: str, body: bytes) -> None:
        self.room, self.body = room, body

    @cached_property
    def text(self) -> bytes:
        return room_text("seats", self.room, self.body)

    @cached_property
    def delta(self) -> SeatsDelta:
        return msgspec.json.decode(self.body, type=SeatsDelta)

    def merged(self, newer: Broadcast) -> Broadcast:
        if not isinstance(newer, SeatsMoved):
            return newer
        return SeatsMoved(self.room, msgspec.json.encode(self.delta.merged(newer.delta)))


def seats_moved(delta: SeatsDelta) -> SeatsMoved:
    return SeatsMoved(room_of(delta.event_id), msgspec.json.encode(delta))


def room_text(kind: str, room: str, body: bytes) -> bytes:
    return b'{"type":"%b","room":"%b","data":%b}' % (kind.encode(), room.encode(), body)


# On the wire between instances: room, kind, JSON of the data, topic.
type Wire = tuple[str, str, str, str]


def to_wire(message: Broadcast) -> Wire:
    match message:
        case SeatsMoved():
            return message.room, "seats", message.body.decode(), message.topic
        case QueueMoved():
            body = msgspec.json.encode((message.line.now_serving, message.line.last_number))
            return message.room, "queue", body.decode(), message.topic
        case Announcement():
            return message.room, message.kind, message.body.decode(), ""
    raise TypeError(f"no wire form of {type(message).__name__}")


def from_wire(wire: Wire) -> Broadcast:
    room, kind, body, topic = wire
    match topic:
        case "seats":
            return SeatsMoved(room, body.encode())
        case "queue":
            now_serving, last_number = msgspec.json.decode(body, type=tuple[int, int])
            return QueueMoved(Line(event_of(room), now_serving, last_number))
    return Announcement(room, kind, body.encode())
