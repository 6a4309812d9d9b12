"""One socket as this instance knows it: what waits to be sent, up to a bound, and how it ends."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.realtime import metrics
from services.realtime.domain import BEGINNING, GUEST, Cursor, Delivered
from services.realtime.rooms import Broadcast

MAX_WAITING: Final = 256
MAX_WAITING_BYTES: Final = 1024 * 1024
# Frames that leave the queue before the socket is asked again whether it takes more.
MAX_TAKEN: Final = 32


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a socket is closed: the close code, and a stable slug as its reason."""

    code: int
    reason: str


TOO_SLOW: Final = Ending(4429, "too-slow")


class Connection:
    """What is sent to it waits here. Until it is released, user messages are held back and nothing is decided."""

    __slots__ = ("_bytes", "_held", "_latest", "_waiting", "_wake", "ended", "last", "rooms", "user_id", "welcomed")

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.rooms: set[str] = set()
        # The newest user message that was queued.
        self.last: Cursor = BEGINNING
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._latest: dict[tuple[str, str], Broadcast] = {}
        self._wake = asyncio.Event()
        self._held: list[Delivered] | None = []
        # Released once: where it stands is known.
        self.welcomed = False

    @property
    def is_guest(self) -> bool:
        """Somebody who only looks: no inbox, and nothing to catch up with."""
        return self.user_id == GUEST

    def hold(self) -> None:
        """From now on user messages wait until `release`: something older has to come first."""
        if self._held is None:
            self._held = []

    @property
    def held(self) -> Sequence[Delivered]:
        return self._held or ()

    def release(self, missed: Sequence[Delivered], *, after: Cursor) -> None:
        """Send what was missed, then what was held, then all that comes; each once, in order, from `after` on."""
        held, self._held, self.last = self._held or (), None, max(self.last, after)
        self.welcomed = True
        for message in (*missed, *held):
            self.tell(message)

    def tell(self, message: Delivered) -> None:
        """A user message. One that came before, or is older than one that did, is left out."""
        if self._held is not None:
            if len(self._held) >= MAX_WAITING:
                self.end(TOO_SLOW)
                return
            self._held.append(message)
        elif message.cursor > self.last:
            self.last = message.cursor
            self.push(message.text)

    def push(self, text: bytes) -> None:
        """One more message, or the end of a socket that is too slow for it."""
        if len(self._waiting) >= MAX_WAITING or self._bytes + len(text) > MAX_WAITING_BYTES:
            self.end(TOO_SLOW)
            return
        self._waiting.append(text)
        self._bytes += len(text)
        self._wake.set()

    def hear(self, message: Broadcast) -> None:
        """A room's message: one that waits is merged with it, so a slow socket hears less often, not less."""
        if not message.topic:
            self.push(message.text)
            return
        key = (message.room, message.topic)
        before = self._latest.get(key)
        self._latest[key] = message if before is None else before.merged(message)
        self._wake.set()

    def forget(self, room: str) -> None:
        for key in [key for key in self._latest if key[0] == room]:
            del self._latest[key]

    async def next_texts(self) -> Sequence[bytes]:
        """What to send now; waits until there is something."""
        while not self._waiting and not self._latest:
            self._wake.clear()
            await self._wake.wait()
        texts = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_TAKEN))]
        self._bytes -= sum(map(len, texts))
        if not self._waiting:
            texts += [message.text for message in self._latest.values()]
            self._latest.clear()
        return texts

    def end(self, ending: Ending) -> None:
        """Close the socket; what waits is not sent. The first reason stays."""
        if not self.ended.done():
            if ending is TOO_SLOW:
                metrics.DROPPED.inc()
            self.ended.set_result(ending)
