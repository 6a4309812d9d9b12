"""Rooms on one instance: what comes in one moment is one message."""

import asyncio
from functools import partial

from services.kit.ids import new_id
from services.realtime.connection import Connection
from services.realtime.domain import Line
from services.realtime.hub import LEAVING, Hub
from services.realtime.rooms import Announcement, QueueMoved


async def test_what_a_room_hears_in_one_moment_is_told_once() -> None:
    hub, connection, event_id = Hub(room_sends_per_s=4_000), Connection("u"), new_id()
    hub.add(connection)
    hub.join(connection, f"event:{event_id}")

    for number in range(50):
        hub.broadcast(QueueMoved(Line(event_id, number, 50)))

    assert await connection.next_texts() == [QueueMoved(Line(event_id, 49, 50)).text]
    assert hub.queue_of(f"event:{event_id}") is not None


async def test_an_announcement_waits_for_nothing() -> None:
    hub, connection, room = Hub(room_sends_per_s=4_000), Connection("u"), f"event:{new_id()}"
    hub.add(connection)
    hub.join(connection, room)

    for kind in ("a", "b"):
        hub.broadcast(Announcement(room, kind, b"{}"))

    assert len(await connection.next_texts()) == 2


async def test_sockets_leave_one_after_the_other_within_the_time_there_is() -> None:
    hub, connections = Hub(room_sends_per_s=1), [Connection(str(number)) for number in range(3)]
    for connection in connections:
        hub.add(connection)
    jitter = iter((0.0, 0.5, 1.0))

    hub.leave_all(within_s=0.02, random=lambda: next(jitter))

    order: list[str] = []
    for connection in connections:
        connection.ended.add_done_callback(partial(_note, order, connection.user_id))
    assert set(await asyncio.gather(*(connection.ended for connection in connections))) == {LEAVING}
    assert order == ["0", "1", "2"]


def _note(order: list[str], user_id: str, _: object) -> None:
    order.append(user_id)
