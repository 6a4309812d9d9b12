"""How far the sale is: a bar for each phase on a terminal, plain lines otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

LINE_EVERY_S: Final = 2.0


class Phase(Protocol):
    def advance(self, count: int = 1) -> None: ...

    def note(self, words: str) -> None:
        """What is worth knowing beside the count."""


class Stage:
    """Announces phases, and keeps how long each took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.took_s: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Phase]:
        began = time.perf_counter()
        with self._shown(name, total) as phase:
            yield phase
        self.took_s[name] = time.perf_counter() - began

    def say(self, words: str) -> None:
        self._console.print(words, highlight=False)

    @contextmanager
    def _shown(self, name: str, total: int | None) -> Iterator[Phase]:
        if not self._console.is_terminal:
            lines = _Lines(name, total, self.say)
            lines.begin()
            yield lines
            lines.end()
            return
        columns = (
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=40),
            TextColumn("{task.completed:>6.0f}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[words]}", style="dim"),
        )
        with Progress(*columns, console=self._console, refresh_per_second=4) as bars:
            bar = _Bar(bars, name, total)
            yield bar
            bar.end()


class _Bar:
    def __init__(self, bars: Progress, name: str, total: int | None) -> None:
        self._bars = bars
        self._task = bars.add_task(name, total=total, words="")

    def advance(self, count: int = 1) -> None:
        self._bars.advance(self._task, count)

    def note(self, words: str) -> None:
        self._bars.update(self._task, words=words)

    def end(self) -> None:
        """One without a total would go on as if it did not know that it is over."""
        if self._bars.tasks[0].total is None:
            done = self._bars.tasks[0].completed
            self._bars.update(self._task, total=done or 1, completed=done or 1)


class _Lines:
    """At most one line every two seconds."""

    def __init__(self, name: str, total: int | None, say: Callable[[str], None]) -> None:
        self._name, self._total, self._say = name, total, say
        self._done, self._words = 0, ""
        self._began = self._said_at = time.perf_counter()

    def advance(self, count: int = 1) -> None:
        self._done += count
        self._maybe_say()

    def note(self, words: str) -> None:
        self._words = words
        self._maybe_say()

    def begin(self) -> None:
        self._say(f"{self._name}: {'' if self._total is None else self._total} …".replace("  ", " "))

    def end(self) -> None:
        self._say(f"{self._name}: {self._text()} in {time.perf_counter() - self._began:.1f} s")

    def _maybe_say(self) -> None:
        now = time.perf_counter()
        if now - self._said_at >= LINE_EVERY_S:
            self._said_at = now
            self._say(f"{self._name}: {self._text()}")

    def _text(self) -> str:
        count = f"{self._done or ''}" if self._total is None else f"{self._done}/{self._total}"
        return f"{count} {self._words}".strip()
