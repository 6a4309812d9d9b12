"""How the lines of many processes look in one log."""

import io
import json

from services.local.log_view import LogView, coloured, machine_readable, plain

SEATS_HELD = json.dumps(
    {
        "timestamp": "2026-01-02T03:04:05.678901+00:00",
        "level": "info",
        "service": "ticket",
        "event": "seats_held",
        "seats": ["A1", "A2"],
        "hold_id": "h1",
    }
)


def test_a_json_line_becomes_a_sentence() -> None:
    said = plain("ticket", SEATS_HELD)

    assert said == ('ticket         | 03:04:05.678 info     seats_held seats=["A1", "A2"] hold_id=h1')


def test_other_lines_pass_through() -> None:
    for line in ("ready in 1 s", "{not json}", "[1]", '{"no": "happening"}', "", '{"a":' * 50_000):
        assert plain("frontend", line) == f"frontend       | {line}"


def test_a_text_with_spaces_is_quoted_and_escape_codes_are_shown_not_obeyed() -> None:
    said = plain("auth", json.dumps({"event": "odd\x1b[2J", "why": "no such user", "n": 1}))

    assert '"odd\\u001b[2J"' in said
    assert 'why="no such user" n=1' in said
    assert "\x1b" not in said


def test_an_exception_follows_on_lines_of_its_own() -> None:
    entry = {"event": "failed", "level": "error", "exception": "Traceback:\n  boom"}

    first, second, third = plain("auth", json.dumps(entry)).splitlines()

    assert first.endswith("error    failed")
    assert second.endswith("|   Traceback:")
    assert third.endswith("|     boom")


def test_colours_change_the_look_and_not_the_words() -> None:
    said = coloured("ticket", SEATS_HELD)

    for word in ("ticket", "03:04:05.678", "info", "seats_held", "hold_id=h1"):
        assert word in said
    assert said.endswith("\x1b[0m")


def test_machine_readable_keeps_json_and_wraps_the_rest() -> None:
    assert machine_readable("ticket", SEATS_HELD) == SEATS_HELD
    assert json.loads(machine_readable("frontend", 'say "hi"')) == {
        "service": "frontend",
        "event": 'say "hi"',
    }


def test_a_reader_who_left_is_no_error() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    LogView(Closed(), plain)("ticket", "a line")
