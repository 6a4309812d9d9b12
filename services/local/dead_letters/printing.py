"""What the commands say: tables for people, a JSON object a line for programs, complaints on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

WIDEST: Final = 80


def print_rows(rows: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            _say(json.dumps(row, default=_text))
    elif rows:
        table = [
            [name.upper() for name in rows[0]],
            *([_text(value)[:WIDEST] for value in row.values()] for row in rows),
        ]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for line in table:
            _say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_one(details: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        print_rows([details], as_json=True)
        return
    for name, value in details.items():
        _say(f"{name:12} {_text(value)}".rstrip())


def print_sent(letter_id: str, where: str, *, as_json: bool) -> None:
    if as_json:
        print_rows([{"id": letter_id, "to": where}], as_json=True)
    else:
        _say(f"{letter_id} is back in {where}")


def complain(*problems: str, code: int = 1) -> int:
    """The code to end with: 0 when there is nothing to complain of."""
    for problem in problems:
        sys.stderr.write(f"dlq: {problem}\n")
    return code if problems else 0


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
