"""One socket's queue: in order, once, and never longer than its bound."""

from services.kit.ids import new_id
from services.realtime.connection import MAX_WAITING, TOO_SLOW, Connection, Ending
from services.realtime.domain import BEGINNING, Delivered, Line
from services.realtime.rooms import Announcement, QueueMoved

EVENT = new_id()
ROOM = f"event:{EVENT}"


def told(*numbers: int) -> list[Delivered]:
    return [Delivered("u", (number, 0), str(number).encode()) for number in numbers]


async def all_texts(connection: Connection) -> list[bytes]:
    connection.push(b"end")
    texts: list[bytes] = []
    while b"end" not in texts:
        texts += await connection.next_texts()
    texts.remove(b"end")
    return texts


async def test_what_was_missed_comes_before_what_arrived_meanwhile_and_each_once() -> None:
    connection = Connection("u")
    for message in told(3, 4, 5):
        connection.tell(message)

    connection.release(told(2, 3, 4), after=(1, 0))
    for message in told(5, 6):
        connection.tell(message)

    assert await all_texts(connection) == [b"2", b"3", b"4", b"5", b"6"]


async def test_a_socket_that_is_held_again_says_nothing_until_it_caught_up() -> None:
    connection = Connection("u")
    connection.release(told(1), after=BEGINNING)
    connection.hold()
    for message in told(4):
        connection.tell(message)

    assert await all_texts(connection) == [b"1"]
    connection.release(told(2, 3, 4), after=connection.last)
    assert await all_texts(connection) == [b"2", b"3", b"4"]


async def test_a_queue_that_is_full_ends_the_socket() -> None:
    connection = Connection("u")

    for _ in range(MAX_WAITING):
        connection.push(b"x")
    assert not connection.ended.done()
    connection.push(b"x")

    assert connection.ended.result() == TOO_SLOW


async def test_a_queue_of_few_but_large_messages_is_full_too() -> None:
    connection = Connection("u")

    for _ in range(20):
        connection.push(b"x" * 60_000)

    assert connection.ended.result() == TOO_SLOW


async def test_a_slow_socket_hears_of_the_queue_once_and_of_announcements_each_time() -> None:
    connection = Connection("u")

    for number in range(1_000):
        connection.hear(QueueMoved(Line(EVENT, number, 1_000)))
    connection.hear(Announcement(ROOM, "a", b"{}"))
    connection.hear(Announcement(ROOM, "b", b"{}"))

    texts = [*await connection.next_texts()]
    assert len(texts) == 3
    assert b'"now_serving":999' in texts[-1]
    assert not connection.ended.done()


async def test_a_room_that_was_left_is_not_heard_of() -> None:
    connection = Connection("u")
    connection.hear(QueueMoved(Line(EVENT, 1, 2)))

    connection.forget(ROOM)

    assert await all_texts(connection) == []


async def test_the_first_reason_to_end_stays() -> None:
    connection = Connection("u")

    connection.end(Ending(1012, "restart"))
    connection.end(TOO_SLOW)

    assert connection.ended.result().code == 1012
