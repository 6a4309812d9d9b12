"""An open loop: orders are sent when their time has come, whatever became of those before them.

As cheap as it can be made, for it shares the machine with what it measures: one connection carries one order at a time,
and of an answer no more is read than its status and a few words.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from services.kit.ids import new_id
from tests.load.sale.api import Member

_LENGTH: Final = re.compile(rb"(?i)content-length: (\d+)")
_BOOKING: Final = re.compile(rb'"id":"([0-9a-f-]{36})"')
_REASON: Final = re.compile(rb'"reason":"([a-z-]+)"')
# More than this under way: the platform has stopped answering, and whoever comes now is counted as unanswered.
MOST_UNDER_WAY: Final = 2_000
TICK_S: Final = 0.005


@dataclass(slots=True)
class Level:
    """What was sent at one pace, and what came back."""

    offered: int = 0
    accepted: int = 0
    # Told to come back later, with and without a time.
    put_off: Counter[str] = field(default_factory=Counter)
    without_time: int = 0
    unanswered: int = 0
    answered_in_s: list[float] = field(default_factory=list)
    # Booking → when its order was sent.
    sent_at: dict[str, float] = field(default_factory=dict)
    # From sending to the outcome, of those that were decided; and when.
    decided_in_s: list[float] = field(default_factory=list)
    decided_at: list[float] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return self.accepted + self.put_off.total() + self.unanswered


class Connection(asyncio.Protocol):
    def __init__(self, crowd: Crowd) -> None:
        self._crowd, self._heard = crowd, b""
        self._transport: asyncio.Transport | None = None
        self._level: Level | None = None
        self._sent_at = 0.0
        self._order: dict[str, object] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, head: bytes, order: dict[str, object], level: Level) -> None:
        assert self._transport is not None
        body = msgspec.json.encode(order)
        self._level, self._order, self._sent_at = level, order, time.perf_counter()
        key = new_id().encode()
        self._transport.write(b"%bIdempotency-Key: %b\r\nContent-Length: %d\r\n\r\n%b" % (head, key, len(body), body))

    def data_received(self, data: bytes) -> None:
        self._heard += data
        top, found, rest = self._heard.partition(b"\r\n\r\n")
        length = _LENGTH.search(top)
        if not found or length is None or len(rest) < int(length[1]) or self._level is None:
            return
        self._heard = b""
        level, self._level = self._level, None
        level.answered_in_s.append(time.perf_counter() - self._sent_at)
        self._note(level, int(top[9:12]), top, rest)
        self._crowd.is_free(self)

    def _note(self, level: Level, status: int, top: bytes, body: bytes) -> None:
        booking = _BOOKING.search(body)
        if status == 202 and booking is not None:
            level.accepted += 1
            level.sent_at[booking[1].decode()] = self._sent_at
            return
        reason = _REASON.search(body)
        level.put_off[f"{status} {reason[1].decode() if reason else ''}".strip()] += 1
        level.without_time += b"retry-after:" not in top.lower()
        # The seats of an order that was not taken are wanted by the next one.
        self._crowd.give_back(self._order)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._level is not None:
            self._level.unanswered += 1
        self._crowd.is_lost(self)


class Crowd:
    def __init__(self, host: str, port: int, members: list[Member], orders: Iterator[dict[str, object]]) -> None:
        self._host, self._port, self._orders = host, port, orders
        self._heads = [_head(member.token) for member in members]
        self._next_head = 0
        self._free: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._returned: deque[dict[str, object]] = deque()

    async def open(self, connections: int) -> None:
        """So many at once; more are opened as they are needed."""
        for _ in range(connections):
            self._free.append(await self._connect())

    async def send(self, per_s: float, for_s: float) -> Level:
        """Evenly, at that pace; the level goes on filling while answers come."""
        level, began = Level(), time.perf_counter()
        while (now := time.perf_counter() - began) < for_s:
            for _ in range(int(now * per_s) - level.offered):
                level.offered += 1
                if not await self._send_one(level):
                    level.unanswered += 1
            await asyncio.sleep(TICK_S)
        return level

    async def _send_one(self, level: Level) -> bool:
        if not self._free:
            if len(self._all) >= MOST_UNDER_WAY:
                return False
            self._free.append(await self._connect())
        connection = self._free.popleft()
        order = self._returned.popleft() if self._returned else next(self._orders)
        self._next_head = (self._next_head + 1) % len(self._heads)
        connection.send(self._heads[self._next_head], order, level)
        return True

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(self), self._host, self._port)
        self._all.add(connection)
        return connection

    def is_free(self, connection: Connection) -> None:
        self._free.append(connection)

    def is_lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection in self._free:
            self._free.remove(connection)

    def give_back(self, order: dict[str, object]) -> None:
        self._returned.append(order)


def _head(token: str) -> bytes:
    return (
        "POST /api/v1/bookings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\n"
    ).encode()
