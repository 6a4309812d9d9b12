"""Who may use which cores of this machine, and whether they are at rest."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

# At rest a core has at least this share of a second to spare.
SPARE: Final = 0.5
LOOK_S: Final = 1.0


def halves() -> tuple[Collection[int], Collection[int]]:
    """The cores that we may use, in two halves; the same ones twice when there is only one."""
    ours = sorted(os.sched_getaffinity(0))
    half = len(ours) // 2
    return (ours[half:], ours[:half]) if half else (ours, ours)


def move(pid: int, cores: Collection[int]) -> None:
    """A process with all its threads; what it starts later goes with it."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


async def rest_of(cores: Collection[int], *, at_most_s: float) -> float:
    """Wait until those cores have little to do; for how many seconds they had. Of somebody who never rests: so long."""
    began, before = time.perf_counter(), _idle_s(cores)
    while (took := time.perf_counter() - began) < at_most_s:
        await asyncio.sleep(LOOK_S)
        now = _idle_s(cores)
        if now - before >= SPARE * LOOK_S * len(cores):
            break
        before = now
    return took


def _idle_s(cores: Collection[int]) -> float:
    """For how long they have had nothing to do, all together, since the machine started."""
    rows = (line.split() for line in Path("/proc/stat").read_text().splitlines())
    idle = {row[0]: int(row[4]) + int(row[5]) for row in rows if row[0].startswith("cpu")}
    return sum(idle[f"cpu{core}"] for core in cores) / os.sysconf("SC_CLK_TCK")
