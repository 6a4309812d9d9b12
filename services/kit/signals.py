"""What a running process can be asked from outside: `kill -USR1 <pid>` and `kill -USR2 <pid>`."""

import asyncio
import signal
from typing import Final

import structlog

from services.kit.logs import set_level
from services.kit.settings import ServiceSettings

# The innermost frames say what is waited for.
FRAMES: Final = 6
MOST_TASKS: Final = 500
# Nobody remembers to switch it off again.
DEBUG_LASTS_S: Final = 900.0
log = structlog.get_logger()


def listen_to_signals(settings: ServiceSettings) -> None:
    """From now on SIGUSR1 logs one event a task, SIGUSR2 logs everything for a while, and the process goes on."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, _dump)
    loop.add_signal_handler(signal.SIGUSR2, LevelSwitch(settings.log_level).turn)


class LevelSwitch:
    """Between the level of the settings and `debug`, which ends by itself."""

    def __init__(self, usual: str) -> None:
        self._usual = usual
        self._ending: asyncio.TimerHandle | None = None

    def turn(self) -> None:
        if self._ending is None:
            self._ending = asyncio.get_running_loop().call_later(DEBUG_LASTS_S, self._back)
            set_level("debug")
            log.warning("log_level_changed", level_now="debug", for_s=DEBUG_LASTS_S)
        else:
            self._back()

    def _back(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
            log.warning("log_level_changed", level_now=self._usual)
            set_level(self._usual)


def _dump() -> None:
    for task in list(asyncio.all_tasks())[:MOST_TASKS]:
        frames = task.get_stack(limit=FRAMES)
        at = [f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}" for frame in frames]
        log.info("task", name=task.get_name(), at=at, waits_for=repr(getattr(task, "_fut_waiter", None))[:200])
