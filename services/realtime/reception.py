"""A socket arrives, comes back, enters rooms: what it is told first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from services.realtime import metrics
from services.realtime.connection import Connection
from services.realtime.domain import Cursor, Delivered, checked_room, cursor_text, event_of, ready_cursor
from services.realtime.hub import Hub
from services.realtime.ports import Exchange
from services.realtime.rooms import QueueMoved

# Inboxes read at once after the store came back; each read is one command of a shared pipeline.
CATCH_UP: Final = 500


class Reception:
    def __init__(self, hub: Hub, exchange: Exchange) -> None:
        self._hub, self._exchange = hub, exchange
        # How often the channel was silent for a while: what was read before does not count.
        self._silences = 0

    async def welcome(self, connection: Connection, cursor: Cursor | None) -> None:
        """Known here first, then told what was missed: nothing falls between the two.

        Without a cursor the socket begins now; a guest has nothing to catch up with.
        Refuses `too-many-sockets`; raises NotNow without the store.
        """
        self._hub.add(connection)
        if connection.is_guest:
            connection.push(b'{"type":"ready","data":{"user_id":null,"cursor":null}}')
            return
        while True:
            silences = self._silences
            begin, missed = await self._read(connection, cursor)
            if silences == self._silences:
                break
        ready = {"type": "ready", "data": {"user_id": connection.user_id, "cursor": cursor_text(begin)}}
        connection.push(msgspec.json.encode(ready))
        connection.release(missed, after=begin)

    def goodbye(self, connection: Connection) -> None:
        self._hub.remove(connection)

    async def join(self, connection: Connection, room: str) -> None:
        """Whoever joins hears at once how far the queue is. Refuses `too-many-rooms`."""
        self._hub.join(connection, checked_room(room))
        moved = self._hub.queue_of(room)
        if moved is None and (line := await self._exchange.line(event_of(room))):
            moved = QueueMoved(line)
        if moved is not None and room in connection.rooms:
            connection.hear(moved)

    def leave(self, connection: Connection, room: str) -> None:
        self._hub.leave(connection, room)

    def hold_all(self) -> None:
        """The channel was silent for a while: nobody is told anything new before `catch_up`."""
        self._silences += 1
        for connection in self._welcomed():
            connection.hold()

    async def catch_up(self) -> None:
        """Every socket gets what it may have missed. Raises NotNow; then the rest stays on hold until the next time."""
        connections = self._welcomed()
        for start in range(0, len(connections), CATCH_UP):
            some = connections[start : start + CATCH_UP]
            missed = await asyncio.gather(*(self._exchange.missed(one.user_id, one.last) for one in some))
            for connection, messages in zip(some, missed, strict=True):
                metrics.REPLAYED.inc(len(messages))
                connection.release(messages, after=connection.last)

    def _welcomed(self) -> Sequence[Connection]:
        return [one for one in self._hub.connections() if one.welcomed and not one.is_guest]

    async def _read(self, connection: Connection, cursor: Cursor | None) -> tuple[Cursor, Sequence[Delivered]]:
        if cursor is None:
            return ready_cursor(await self._exchange.newest(connection.user_id), connection.held), ()
        missed = await self._exchange.missed(connection.user_id, cursor)
        metrics.REPLAYED.inc(len(missed))
        return cursor, missed
