"""How busy the process itself is: how late its event loop is, and for how long its garbage collector stops it."""

import asyncio
import gc
import time
from typing import Final

from services.kit import metrics

LOOK_S: Final = 0.25


async def watch_event_loop() -> None:
    """For as long as the process lives."""
    loop = asyncio.get_running_loop()
    metrics.TASKS.set_function(lambda: len(asyncio.all_tasks(loop)))
    while True:
        due = loop.time() + LOOK_S
        await asyncio.sleep(LOOK_S)
        metrics.LOOP_LAG.observe(max(0.0, loop.time() - due))


class GcWatch:
    """Times what the collector does. `begin` once a process."""

    def __init__(self) -> None:
        self._began = 0.0

    def begin(self) -> None:
        gc.callbacks.append(self._told)

    def _told(self, phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            pause_s = time.perf_counter() - self._began
            metrics.GC_PAUSE.labels(str(about["generation"])).observe(pause_s)
