"""Numbers of a sale: what is counted, over which time, and how it is written down."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.load.sale import wire
from tests.load.sale.__main__ import command_line, settings_of
from tests.load.sale.buyers import Order
from tests.load.sale.evidence import Evidence, Place, Said, Story
from tests.load.sale.judging import judge
from tests.load.sale.report import show_verdict, write_report
from tests.load.sale.sockets import Heard
from tests.load.sale.verdict import Pace, Verdict, outcomes, pace_of, percentile, refusals
from tests.load.sale.words import said


def order(posted_at: float, first_at: float, *, away: bool = False) -> Order:
    heard = Heard(first_at=first_at, statuses=["confirmed"])
    return Order("e", b"", "key", posted_at=posted_at, queued_at=posted_at + 0.01, away=away, heard=heard)


def verdict(*, lost: bool = False) -> Verdict:
    stories = [Story(event_id="e", booking_id="b", told=None)] if lost else []
    return Verdict(
        judgement=judge(Evidence(stories=stories, bookings={})),
        buyers=1,
        seed=1,
        orders=1,
        confirmed=1,
        refused_by_reason={"seat-taken": 2, "sold-out": 1},
        cancelled=0,
        awaiting_payment=0,
        pace=Pace(answered=10, window_s=4.0, p50_ms=12.34, p99_ms=56.78),
        mails=None,
    )


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([5.0], 0.5) == 5.0
    assert percentile([], 0.99) == 0.0


def test_the_window_is_from_the_first_post_to_the_last_result() -> None:
    pace = pace_of([order(10.0, 11.0), order(10.5, 14.0), order(11.0, 0.0)])

    assert (pace.answered, pace.window_s, pace.per_second) == (2, 4.0, 0.5)
    assert (pace.p50_ms, pace.p99_ms) == (1000.0, 3500.0)


def test_who_was_away_says_nothing_about_how_long_it_took() -> None:
    pace = pace_of([order(10.0, 11.0), order(10.0, 19.0, away=True)])

    assert (pace.answered, pace.window_s, pace.p99_ms) == (2, 1.0, 1000.0)


def test_a_bench_counts_only_what_came_within_its_time() -> None:
    pace = pace_of([order(9.0, 9.5), order(9.9, 10.1), order(10.5, 11.0), order(10.9, 12.5)], begin=10.0, end=12.0)

    assert (pace.answered, pace.window_s) == (2, 1.0)


def test_nothing_answered_is_no_pace() -> None:
    assert pace_of([]).per_second == 0.0


def test_refusals_at_the_door_and_later_are_counted_by_reason() -> None:
    rejected = Said(status="rejected", reason="seat-taken")
    stories = [Story(event_id="e", refused="queue-full"), *(Story(event_id="e", booking_id=name) for name in "abc")]
    evidence = Evidence(stories=stories, bookings={"a": rejected, "b": rejected, "c": Said(status="confirmed")})

    assert refusals(evidence) == {"seat-taken": 2, "queue-full": 1}
    assert outcomes(evidence) == {"confirmed": 1, "cancelled": 0, "awaiting_payment": 0}


def test_the_file_has_the_keys_that_programs_read(tmp_path: Path) -> None:
    write_report(verdict(), tmp_path / "deep" / "demo.json")

    written = json.loads((tmp_path / "deep" / "demo.json").read_text())
    assert written["refused"] == 3
    assert (written["bookings_per_s"], written["p50_ms"], written["p99_ms"]) == (2.5, 12.3, 56.8)
    assert [written[name] for name in ("oversold", "lost", "paid_without_ticket")] == [0, 0, 0]
    assert written["holds"] is True


@pytest.mark.parametrize(("lost", "words"), [(False, "Everything kept"), (True, "Promises broken")])
def test_the_table_says_whether_promises_were_kept(lost: bool, words: str) -> None:
    out = StringIO()

    show_verdict(verdict(lost=lost), Console(file=out, width=100))

    assert words in out.getvalue()
    assert "seat-taken" in out.getvalue()


def test_a_booking_is_judged_by_what_it_says() -> None:
    booking = wire.read_booking(
        b'{"id":"b","event_id":"e","status":"confirmed","reason":null,"total":{"amount":10,"currency":"EUR"},'
        b'"tickets":[{"id":"t1","place":{"section_id":"A","seat_id":"A-1-1"}},'
        b'{"id":"t2","place":{"section_id":"FLOOR","seat_id":null}}]}'
    )

    told = said(booking)

    assert (told.status, told.event_id, told.reason, told.total) == ("confirmed", "e", "", 10)
    assert told.tickets == (Place("A", "A-1-1"), Place("FLOOR"))


def test_the_command_line_reaches_the_settings() -> None:
    words = ["--buyers", "5", "--seed", "9", "--event", "e1", "--event", "e2", "--hot", "0.5", "--no-mail-wait"]

    settings = settings_of(command_line().parse_args(words))

    assert (settings.crowd, settings.seed, settings.events) == (5, 9, ("e1", "e2"))
    assert settings.shares.hot == 0.5
    assert not settings.wait_for_mails
    assert settings.report_file == Path("build/demo.json")
