"""Messages to rooms: what waits is merged, and nothing is lost by it."""

import msgspec
import pytest

from services.kit.ids import new_id
from services.realtime.domain import Line
from services.realtime.rooms import (
    Announcement,
    Broadcast,
    QueueMoved,
    Seat,
    SeatsDelta,
    SeatsMoved,
    Section,
    from_wire,
    seats_moved,
    to_wire,
)

EVENT = new_id()


def delta(version: int, *seats: tuple[str, str], sections: tuple[Section, ...] = ()) -> SeatsDelta:
    return SeatsDelta(EVENT, version - 1, version, tuple(Seat(*seat) for seat in seats), sections)


def test_merged_seats_say_the_newest_of_each_and_span_all_versions() -> None:
    first = seats_moved(delta(1, ("A1", "h"), ("A2", "h"), sections=(Section("A", 8, 2, 0),)))
    second = seats_moved(delta(2, ("A2", "s"), ("A3", "h"), sections=(Section("A", 7, 2, 1),)))

    merged = first.merged(second)

    assert isinstance(merged, SeatsMoved)
    assert merged.delta == SeatsDelta(
        EVENT, 0, 2, (Seat("A1", "h"), Seat("A2", "s"), Seat("A3", "h")), (Section("A", 7, 2, 1),)
    )


def test_what_was_missed_between_two_is_not_hidden_by_merging_them() -> None:
    first, third = seats_moved(delta(1, ("A1", "h"))), seats_moved(delta(3, ("A3", "h")))

    merged = first.merged(third)

    assert isinstance(merged, SeatsMoved)
    assert (merged.delta.since, merged.delta.version) == (2, 3)


def test_seats_that_come_again_change_nothing() -> None:
    newer = delta(2, ("A1", "s"))

    assert newer.merged(delta(1, ("A1", "h"))) is newer


def test_the_queue_does_not_go_back() -> None:
    here, behind, ahead = (QueueMoved(Line(EVENT, number, 99)) for number in (5, 4, 6))

    assert here.merged(behind) is here
    assert here.merged(ahead) is ahead


@pytest.mark.parametrize(
    "message",
    [
        QueueMoved(Line(EVENT, 5, 9)),
        seats_moved(delta(3, ("A1", "f"))),
        Announcement(f"event:{EVENT}", "doors", b'{"open":true}'),
    ],
    ids=["queue", "seats", "announcement"],
)
def test_a_message_is_the_same_on_the_other_side_of_the_wire(message: Broadcast) -> None:
    assert from_wire(to_wire(message)).text == message.text


def test_the_text_of_a_message_is_json_that_names_its_room() -> None:
    text = msgspec.json.decode(QueueMoved(Line(EVENT, 5, 9)).text)

    assert text == {
        "type": "queue",
        "room": f"event:{EVENT}",
        "data": {"event_id": EVENT, "now_serving": 5, "last_number": 9},
    }
