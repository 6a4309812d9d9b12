"""Sockets that come, come back, and live through a silence of the channel."""

import pytest

from services.kit.ids import new_id
from services.realtime.connection import Connection
from services.realtime.domain import (
    MAX_ROOMS,
    MAX_SOCKETS_PER_USER,
    Cursor,
    Delivered,
    Line,
    TooManyRooms,
    TooManySockets,
    UserMessage,
    parsed_cursor,
)
from services.realtime.hub import Hub
from services.realtime.reception import Reception
from services.realtime.rooms import QueueMoved
from tests.twins.exchange import MemoryExchange
from tests.unit.realtime.test_connection import all_texts


class House:
    """An instance whose channel can be silent."""

    def __init__(self) -> None:
        self.exchange, self.hub = MemoryExchange(), Hub(room_sends_per_s=4_000)
        self.reception = Reception(self.hub, self.exchange)
        self.silent = False

    async def say(self, user_id: str, *numbers: int) -> None:
        await self.exchange.deliver([UserMessage(user_id, "note", b"%d" % number) for number in numbers])
        if not self.silent:
            self.hub.deliver(self.exchange.published)
        self.exchange.published.clear()


def numbers(texts: list[bytes]) -> list[int]:
    return [int(text.rpartition(b":")[2].removesuffix(b"}")) for text in texts if b'"note"' in text]


async def test_without_a_cursor_a_socket_begins_now() -> None:
    house, connection = House(), Connection("u")
    await house.say("u", 1, 2)

    await house.reception.welcome(connection, None)
    await house.say("u", 3)

    assert numbers(await all_texts(connection)) == [3]


async def test_what_arrives_while_a_socket_is_welcomed_is_after_its_cursor() -> None:
    house, connection = House(), Connection("u")

    class Slow(MemoryExchange):
        async def newest(self, user_id: str) -> Cursor:
            await house.say(user_id, 7)
            return await super().newest(user_id)

    house.exchange = Slow()
    await Reception(house.hub, house.exchange).welcome(connection, None)

    ready, *rest = await all_texts(connection)
    cursor = parsed_cursor(ready.decode().partition('"cursor":"')[2].partition('"')[0])
    assert numbers(rest) == [7]
    assert [one.cursor > cursor for one in await house.exchange.missed("u", (0, 0))] == [True]


async def test_after_a_silence_every_socket_gets_what_it_missed() -> None:
    house, connections = House(), [Connection("u"), Connection("u"), Connection("v")]
    for connection in connections:
        await house.reception.welcome(connection, None)
    await house.say("u", 1)
    house.silent = True
    await house.say("u", 2, 3)

    house.silent = False
    house.reception.hold_all()
    await house.say("u", 4)
    await house.reception.catch_up()
    await house.say("u", 5)

    heard = [numbers(await all_texts(connection)) for connection in connections]
    assert heard == [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], []]


async def test_a_silence_while_a_socket_is_welcomed_is_noticed() -> None:
    house, connection = House(), Connection("u")

    class Silent(MemoryExchange):
        reads = 0

        async def missed(self, user_id: str, after: Cursor) -> list[Delivered]:
            self.reads += 1
            found = list(await super().missed(user_id, after))
            if self.reads == 1:
                await self.deliver([UserMessage(user_id, "note", b"9")])
                reception.hold_all()
            return found

    reception = Reception(house.hub, Silent())
    await reception.welcome(connection, (0, 0))

    assert numbers(await all_texts(connection)) == [9]


async def test_whoever_joins_hears_how_far_the_queue_is() -> None:
    house, connection, event_id = House(), Connection("u"), new_id()
    house.exchange.lines[event_id] = Line(event_id, 3, 9)

    await house.reception.join(connection, f"event:{event_id}")

    assert await all_texts(connection) == [QueueMoved(Line(event_id, 3, 9)).text]


async def test_rooms_and_sockets_have_a_bound_and_make_room_when_they_go() -> None:
    house = House()
    connections = [Connection("u") for _ in range(MAX_SOCKETS_PER_USER + 1)]
    for connection in connections[:-1]:
        house.hub.add(connection)
    for _ in range(MAX_ROOMS):
        await house.reception.join(connections[0], f"event:{new_id()}")

    with pytest.raises(TooManySockets):
        house.hub.add(connections[-1])
    with pytest.raises(TooManyRooms):
        await house.reception.join(connections[0], f"event:{new_id()}")

    house.reception.goodbye(connections[0])
    house.hub.add(connections[-1])
    assert (house.hub.sockets, house.hub.users, house.hub.rooms) == (MAX_SOCKETS_PER_USER, 1, 0)
