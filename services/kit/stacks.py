"""What every task of a process is waiting for, in its log, when somebody asks: `kill -USR1 <pid>`."""

import asyncio
import signal
from typing import Final

import structlog

# The innermost frames say what is waited for.
FRAMES: Final = 6
MOST_TASKS: Final = 500
log = structlog.get_logger()


def dump_tasks_on_signal() -> None:
    """From now on SIGUSR1 logs one event a task, and the process goes on."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _dump)


def _dump() -> None:
    for task in list(asyncio.all_tasks())[:MOST_TASKS]:
        frames = task.get_stack(limit=FRAMES)
        at = [f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}" for frame in frames]
        log.info("task", name=task.get_name(), at=at, waits_for=repr(getattr(task, "_fut_waiter", None))[:200])
