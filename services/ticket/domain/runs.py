"""Free seats of a section as runs of neighbours, front row first: where the best places are taken from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class Run:
    """`count` free seats side by side in one row, from number `first` on."""

    row: str
    first: int
    count: int


class Runs:
    """A working copy. With `more`, the section has free seats behind the last of these that were not looked at."""

    def __init__(self, runs: Iterable[Run] = (), *, more: bool = False) -> None:
        self._runs = list(runs)
        self.more = more
        # Somebody was seated apart although seats not looked at might have been together.
        self.seated_apart = False
        self.free = sum(run.count for run in self._runs)

    def take(self, quantity: int) -> list[tuple[str, int]]:
        """Row and number of each: the first run they all fit in, else the frontmost. There must be that many free."""
        for at, run in enumerate(self._runs):
            if run.count >= quantity:
                return self._cut(at, quantity)
        self.seated_apart = self.seated_apart or self.more
        taken: list[tuple[str, int]] = []
        while len(taken) < quantity:
            taken += self._cut(0, min(self._runs[0].count, quantity - len(taken)))
        return taken

    def _cut(self, at: int, quantity: int) -> list[tuple[str, int]]:
        run = self._runs[at]
        taken = [(run.row, number) for number in range(run.first, run.first + quantity)]
        run.first += quantity
        run.count -= quantity
        self.free -= quantity
        if not run.count:
            del self._runs[at]
        return taken

    def remove(self, row: str, number: int) -> None:
        """Somebody took that seat by its name; nothing happens when it is not among these."""
        for at, run in enumerate(self._runs):
            if run.row == row and run.first <= number < run.first + run.count:
                left = Run(row, run.first, number - run.first)
                right = Run(row, number + 1, run.first + run.count - number - 1)
                self._runs[at : at + 1] = [part for part in (left, right) if part.count]
                self.free -= 1
                return
