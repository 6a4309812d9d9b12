"""Signals as cancellation: what is in an `async with` when they come is left in good order."""

import asyncio
import signal


def cancel_on_signals() -> None:
    """From now on SIGINT and SIGTERM cancel the calling task, each time anew."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("only a task can be cancelled: call it inside asyncio.run")
    for which in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(which, task.cancel)
