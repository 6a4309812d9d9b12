"""One method per RPC, and one for each kind of fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

import msgspec

from services.kit.batching import Batcher
from services.kit.errors import Invalid
from services.kit.metrics import counted_rounds
from services.realtime import metrics
from services.realtime.domain import (
    MAX_JSON_BYTES,
    Line,
    UserMessage,
    checked_dedupe_key,
    checked_room,
    checked_type,
    checked_user,
)
from services.realtime.hub import Hub
from services.realtime.ports import Cluster, Exchange
from services.realtime.rooms import Announcement, QueueMoved, SeatsDelta, seats_moved

MAX_RESULTS: Final = 500


@dataclass(frozen=True, slots=True)
class Stats:
    instance_id: str
    hub: Hub
    cluster: Cluster
    sent: int
    dropped: int


class RealtimeHandlers:
    def __init__(self, exchange: Exchange, hub: Hub, *, instance_id: str) -> None:
        self._exchange, self._hub, self._instance_id = exchange, hub, instance_id
        # Calls that bring one message each share a script.
        self._one_by_one = Batcher(self._deliver, name="user-messages")

    async def tell(self, message: UserMessage) -> bool:
        """True when it was new."""
        return await self._one_by_one(message)

    async def tell_all(self, messages: Sequence[UserMessage]) -> int:
        """How many were new."""
        return sum(await self._deliver(messages)) if messages else 0

    async def send_to_user(self, user_id: str, kind: str, data_json: str, *, dedupe_key: str) -> bool:
        key = checked_dedupe_key(dedupe_key)
        body = checked_object(data_json)
        return await self.tell(
            UserMessage(checked_user(user_id), checked_type(kind), body, f"custom:{key}" if key else "")
        )

    async def queue_moved(self, line: Line) -> None:
        await self._exchange.broadcast([QueueMoved(line.checked())])

    async def announce(self, room: str, kind: str, data_json: str) -> None:
        message = Announcement(checked_room(room), checked_type(kind), checked_object(data_json))
        await self._exchange.broadcast([message])

    async def seats_changed(self, deltas: Sequence[SeatsDelta]) -> None:
        """What changed in one batch of facts is one message an event."""
        by_event: dict[str, list[SeatsDelta]] = {}
        for delta in deltas:
            by_event.setdefault(delta.event_id, []).append(delta)
        if by_event:
            merged = [reduce(SeatsDelta.merged, of_event) for of_event in by_event.values()]
            await self._exchange.broadcast([seats_moved(delta) for delta in merged])

    async def stats(self) -> Stats:
        await self._exchange.report(self._instance_id, connections=self._hub.sockets)
        cluster = await self._exchange.cluster()
        sent, dropped = (int(metrics.total(counter)) for counter in (metrics.SENT, metrics.DROPPED))
        return Stats(self._instance_id, self._hub, cluster, sent, dropped)

    @counted_rounds("report")
    async def report(self) -> None:
        await self._exchange.report(self._instance_id, connections=self._hub.sockets)

    async def _deliver(self, messages: Sequence[UserMessage]) -> Sequence[bool]:
        fresh = await self._exchange.deliver(messages)
        metrics.ACCEPTED.labels("sent").inc(sum(fresh))
        metrics.ACCEPTED.labels("known").inc(len(fresh) - sum(fresh))
        return fresh


def checked_object(data_json: str) -> bytes:
    """The JSON object, written anew: what goes to browsers is JSON whatever came."""
    if len(data_json.encode()) > MAX_JSON_BYTES:
        raise Invalid(f"data_json: must have at most {MAX_JSON_BYTES} bytes")
    try:
        return msgspec.json.encode(msgspec.json.decode(data_json, type=dict[str, object]))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid("data_json: must be a JSON object") from error
