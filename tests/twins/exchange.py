"""Inboxes and channels in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from services.realtime.domain import BEGINNING, Cursor, Delivered, Line, UserMessage, cursor_text
from services.realtime.ports import Cluster
from services.realtime.rooms import Broadcast


class MemoryExchange:
    def __init__(self) -> None:
        self.inboxes: dict[str, list[Delivered]] = defaultdict(list)
        self.published: list[Delivered] = []
        self.broadcasts: list[Broadcast] = []
        self.lines: dict[str, Line] = {}
        self._sent: dict[tuple[str, str], bool] = {}
        self._reports: dict[str, int] = {}
        self._entries = 0

    async def deliver(self, messages: Sequence[UserMessage]) -> Sequence[bool]:
        return [self._deliver(message) for message in messages]

    def _deliver(self, message: UserMessage) -> bool:
        if message.dedupe:
            key = (message.user_id, message.dedupe)
            was_complete = self._sent.get(key)
            if was_complete or (was_complete is False and not message.complete):
                return False
            self._sent[key] = message.complete
        self._entries += 1
        cursor = (self._entries, 0)
        text = b'{"id":"%b","type":"%b","data":%b}'
        delivered = Delivered(
            message.user_id, cursor, text % (cursor_text(cursor).encode(), message.type.encode(), message.body)
        )
        self.inboxes[message.user_id].append(delivered)
        self.published.append(delivered)
        return True

    async def broadcast(self, messages: Sequence[Broadcast]) -> None:
        self.broadcasts += messages

    async def missed(self, user_id: str, after: Cursor) -> Sequence[Delivered]:
        return [message for message in self.inboxes[user_id] if message.cursor > after]

    async def newest(self, user_id: str) -> Cursor:
        return self.inboxes[user_id][-1].cursor if self.inboxes[user_id] else BEGINNING

    async def line(self, event_id: str) -> Line | None:
        return self.lines.get(event_id)

    async def report(self, instance_id: str, *, connections: int) -> None:
        self._reports[instance_id] = connections

    async def cluster(self) -> Cluster:
        return Cluster(len(self._reports), sum(self._reports.values()))
