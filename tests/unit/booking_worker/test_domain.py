"""A line's bookkeeping, and how events are shared."""

import pytest

from services.booking_worker.domain import (
    Decided,
    Entry,
    Line,
    Status,
    Undecided,
    fair_share,
    read_verdict,
    refused,
    retry_delay_s,
)
from services.kit.errors import Kind


def entry(number: int, **changed: object) -> Entry:
    fields = {
        "event_id": "e",
        "entry_id": f"{number}-0",
        "number": number,
        "queued_ms": number,
        "booking_id": f"b{number}",
        "user_id": "u",
        "order": b"order",
    }
    return Entry(**(fields | changed))


def line(*numbers: int) -> Line:
    taken = Line("e", held_until=0)
    taken.take([entry(number) for number in numbers])
    return taken


def test_served_is_the_number_before_the_first_without_an_outcome() -> None:
    waiting = line(5, 6, 7)

    assert waiting.served_without(()) == 4
    assert waiting.served_without([entry(6)]) == 4
    assert waiting.served_without([entry(5)]) == 5
    assert waiting.served_without([entry(5), entry(6)]) == 6
    assert waiting.served_without([entry(5), entry(6), entry(7)]) == 7


def test_a_number_nobody_could_read_holds_up_nobody() -> None:
    waiting = Line("e", held_until=0)
    waiting.take([entry(0, entry_id="1-0"), entry(3)])

    assert waiting.served_without(()) == 2


def test_an_entry_is_taken_once() -> None:
    taken = line(1, 2)

    assert taken.take([entry(2), entry(3)]) == [entry(3)]
    assert taken.in_flight == 3


def test_tries_are_counted_until_the_entry_leaves() -> None:
    waiting = line(1)

    assert [waiting.tried(entry(1)), waiting.tried(entry(1))] == [1, 2]
    waiting.leave([entry(1)])
    assert not waiting.holds(entry(1))


@pytest.mark.parametrize(("events", "workers", "share"), [(0, 3, 0), (1, 3, 1), (7, 3, 3), (9, 3, 3), (5, 0, 5)])
def test_the_shares_of_all_workers_are_all_events(events: int, workers: int, share: int) -> None:
    assert fair_share(events, workers, at_most=100) == share


def test_a_worker_takes_no_more_than_it_may() -> None:
    assert fair_share(1_000, 1, at_most=200) == 200


def test_later_is_not_an_outcome_and_any_other_refusal_is() -> None:
    assert refused(Kind.LATER, "busy") == Undecided("busy")
    assert refused(Kind.INVALID, "bad") == Decided(Status.REJECTED, "bad")


def test_retries_get_slower_up_to_a_bound() -> None:
    delays = [retry_delay_s(tries) for tries in range(1, 50)]

    assert delays == sorted(delays)
    assert delays[-1] == 5.0


def test_a_malformed_entry_whose_buyer_is_unknown_is_told_to_nobody() -> None:
    verdict = read_verdict(entry(1, fault="no-order", user_id=""), cancelled=False)

    assert verdict is not None
    assert (verdict.decided, verdict.buried) == (None, "no-order")


def test_an_order_in_order_has_to_be_asked_about() -> None:
    assert read_verdict(entry(1), cancelled=False) is None
