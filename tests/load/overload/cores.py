"""Who may use which cores of this machine."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path


def halves() -> tuple[Collection[int], Collection[int]]:
    """The cores that we may use, in two halves; the same ones twice when there is only one."""
    ours = sorted(os.sched_getaffinity(0))
    half = len(ours) // 2
    return (ours[half:], ours[:half]) if half else (ours, ours)


def move(pid: int, cores: Collection[int]) -> None:
    """A process with all its threads; what it starts later goes with it."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)
