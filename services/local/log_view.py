"""One readable log out of many processes' JSON lines."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TextIO

TIME_FIELDS: Final = ("timestamp", "time", "ts")
NOT_FIELDS: Final = frozenset({*TIME_FIELDS, "level", "service", "event", "exception"})
NAME_WIDTH: Final = 14
LEVEL_WIDTH: Final = 8

DIM: Final = "\x1b[2m"
BOLD: Final = "\x1b[1m"
RESET: Final = "\x1b[0m"
NAME_COLOURS: Final = tuple(f"\x1b[{code}m" for code in (36, 32, 35, 34, 33, 96, 92, 95, 94, 93))
LEVEL_COLOURS: Final = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[1;31m"}

type Render = Callable[[str, str], str]


class LogView:
    """Where the supervisor sends every line of every process; `render` decides how it looks."""

    def __init__(self, out: TextIO, render: Render) -> None:
        self._out, self._render = out, render

    def __call__(self, name: str, line: str) -> None:
        # A reader who left (`| head`) must not stop the platform.
        with contextlib.suppress(BrokenPipeError):
            print(self._render(name, line), file=self._out, flush=True)


def plain(name: str, line: str) -> str:
    """`booking  | 12:00:00.000 info seats_held hold=1`; a line that is not JSON passes through."""
    entry = _entry(line)
    return f"{name:<{NAME_WIDTH}} | {line if entry is None else _sentence(entry)}"


def coloured(name: str, line: str) -> str:
    entry = _entry(line)
    tint = NAME_COLOURS[sum(name.encode()) % len(NAME_COLOURS)]
    said = line if entry is None else _sentence(entry, colour=True)
    return f"{tint}{name:<{NAME_WIDTH}} |{RESET} {said}{RESET}"


def machine_readable(name: str, line: str) -> str:
    """JSON as it came; anything else wrapped, so that every line can be parsed."""
    if _entry(line) is not None:
        return line
    return json.dumps({"service": name, "event": line}, ensure_ascii=False)


def _entry(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and "event" in entry else None


def _sentence(entry: Mapping[str, Any], *, colour: bool = False) -> str:
    level = str(entry.get("level", "info")).lower()
    fields = " ".join(f"{k}={_shown(v)}" for k, v in entry.items() if k not in NOT_FIELDS)
    parts = [_clock(entry), f"{level:<{LEVEL_WIDTH}}", _shown(entry["event"], bare=True), fields]
    if colour:
        paints = (DIM, LEVEL_COLOURS.get(level, DIM), BOLD, DIM)
        parts = [f"{paint}{part}{RESET}" for paint, part in zip(paints, parts, strict=True) if part]
    said = " ".join(part for part in parts if part).rstrip()
    trace = entry.get("exception")
    return said if not trace else f"{said}\n{_indented(str(trace))}"


def _clock(entry: Mapping[str, Any]) -> str:
    written = next((entry[name] for name in TIME_FIELDS if name in entry), "")
    try:
        moment = datetime.fromisoformat(str(written))
    except ValueError:
        return str(written)
    return moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def _shown(value: object, *, bare: bool = False) -> str:
    """What a child logs may hold anything, escape codes too: those are shown, not obeyed."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    quote = not text.isprintable() or (not bare and isinstance(value, str) and (" " in text or not text))
    return json.dumps(text) if quote else text


def _indented(trace: str) -> str:
    return "\n".join(f"{'':<{NAME_WIDTH}} |   {line}" for line in trace.splitlines())
