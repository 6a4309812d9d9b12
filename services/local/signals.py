"""Signals as cancellation: what is in an `async with` when they come is left in good order."""

import asyncio
import signal


def cancel_on_signals() -> None:
    """From now on SIGINT and SIGTERM cancel the calling task, each time anew."""
    task = asyncio.current_task()
    assert task is not None
    for which in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(which, task.cancel)
