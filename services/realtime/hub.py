"""The sockets of this instance: by user, and by room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from services.realtime import metrics
from services.realtime.connection import Connection, Ending
from services.realtime.domain import MAX_ROOMS, MAX_SOCKETS_PER_USER, Delivered, TooManyRooms, TooManySockets
from services.realtime.rooms import Broadcast, QueueMoved

# A room hears of changes this often at most.
TICK_S: Final = 0.25
# However crowded it is, a room waits no longer than this.
SLOWEST_TICK_S: Final = 5.0
LEAVING: Final = Ending(1012, "restart")


class Hub:
    """Delivery costs nothing but a place in each socket's queue; the sockets' own tasks do the sending."""

    def __init__(self, *, room_sends_per_s: int) -> None:
        self._room_sends_per_s = room_sends_per_s
        self._users: dict[str, set[Connection]] = {}
        self._guests: set[Connection] = set()
        self._rooms: dict[str, _Room] = {}
        self._count = 0

    def add(self, connection: Connection) -> None:
        if connection.is_guest:
            self._guests.add(connection)
            self._counted(+1)
            return
        mine = self._users.setdefault(connection.user_id, set())
        if len(mine) >= MAX_SOCKETS_PER_USER:
            raise TooManySockets
        mine.add(connection)
        self._counted(+1)

    def remove(self, connection: Connection) -> None:
        """Idempotent."""
        mine = self._guests if connection.is_guest else self._users.get(connection.user_id, set())
        if connection not in mine:
            return
        for room in tuple(connection.rooms):
            self.leave(connection, room)
        mine.discard(connection)
        if not mine and not connection.is_guest:
            del self._users[connection.user_id]
        self._counted(-1)

    def join(self, connection: Connection, name: str) -> None:
        """Idempotent."""
        if name in connection.rooms:
            return
        if len(connection.rooms) >= MAX_ROOMS:
            raise TooManyRooms
        room = self._rooms.get(name)
        if room is None:
            room = self._rooms[name] = _Room(self._room_sends_per_s)
        room.members.add(connection)
        connection.rooms.add(name)
        metrics.ROOMS.set(len(self._rooms))

    def leave(self, connection: Connection, name: str) -> None:
        """Idempotent."""
        room = self._rooms.get(name)
        if room is None or name not in connection.rooms:
            return
        connection.rooms.discard(name)
        connection.forget(name)
        room.members.discard(connection)
        if not room.members:
            room.close()
            del self._rooms[name]
        metrics.ROOMS.set(len(self._rooms))

    def deliver(self, messages: Iterable[Delivered]) -> None:
        for message in messages:
            for connection in self._users.get(message.user_id, ()):
                connection.tell(message)

    def knows(self, user_id: str) -> bool:
        return user_id in self._users

    def broadcast(self, message: Broadcast) -> None:
        if room := self._rooms.get(message.room):
            room.hear(message)

    def queue_of(self, room: str) -> QueueMoved | None:
        """What the room last heard of its queue."""
        return self._rooms[room].queue if room in self._rooms else None

    def connections(self) -> Sequence[Connection]:
        return [connection for mine in (*self._users.values(), self._guests) for connection in mine]

    def leave_all(self, *, within_s: float, random: Callable[[], float]) -> None:
        """Ask every browser to come back, elsewhere; not all in the same moment, for they come back at once."""
        loop = asyncio.get_running_loop()
        for connection in self.connections():
            loop.call_later(random() * within_s, connection.end, LEAVING)

    @property
    def sockets(self) -> int:
        return self._count

    @property
    def users(self) -> int:
        return len(self._users)

    @property
    def guests(self) -> int:
        return len(self._guests)

    @property
    def rooms(self) -> int:
        return len(self._rooms)

    def _counted(self, change: int) -> None:
        self._count += change
        metrics.SOCKETS.set(self._count)
        metrics.USERS.set(len(self._users))


class _Room:
    """Who is in it. What comes too fast after the last time waits and is merged."""

    __slots__ = ("_due", "_last", "_sends_per_s", "_waiting", "members", "queue")

    def __init__(self, sends_per_s: int) -> None:
        self.members: set[Connection] = set()
        self.queue: QueueMoved | None = None
        self._sends_per_s = sends_per_s
        self._waiting: dict[str, Broadcast] = {}
        self._due: asyncio.TimerHandle | None = None
        self._last = float("-inf")

    def hear(self, message: Broadcast) -> None:
        if not message.topic:
            self._tell(message)
            return
        if isinstance(message, QueueMoved):
            self.queue = message
        before = self._waiting.get(message.topic)
        self._waiting[message.topic] = message if before is None else before.merged(message)
        if self._due is None:
            loop = asyncio.get_running_loop()
            tick_s = min(SLOWEST_TICK_S, max(TICK_S, len(self.members) / self._sends_per_s))
            self._due = loop.call_at(max(self._last + tick_s, loop.time()), self._flush)

    def close(self) -> None:
        if self._due is not None:
            self._due.cancel()

    def _flush(self) -> None:
        self._due, self._last = None, asyncio.get_running_loop().time()
        waiting, self._waiting = self._waiting, {}
        for message in waiting.values():
            self._tell(message)

    def _tell(self, message: Broadcast) -> None:
        for connection in self.members:
            connection.hear(message)
