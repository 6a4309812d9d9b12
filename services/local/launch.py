"""Starts and ends child processes that never outlive us."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

LEASH: Final = Path(__file__).with_name("leash.py")
REAP_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a child runs as. `reach`: let it pass through folders that are closed to that user."""

    uid: int
    gid: int
    reach: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to run and how it dies: `death_signal` is what the kernel sends it when we are gone."""

    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    folder: Path | None = None
    account: Account | None = None
    death_signal: signal.Signals = signal.SIGKILL
    nice: int = 0


async def launch(wanted: Launch, *, stdout: int | IO[bytes], stderr: int | IO[bytes] | None) -> Process:
    """Call it from the main thread: the kernel ties a child to the *thread* that started it."""
    account = wanted.account or Account(uid=-1, gid=-1)
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(LEASH)),
        *(f"parent={os.getpid()}", f"signal={wanted.death_signal.value}", f"nice={wanted.nice}"),
        *(f"uid={account.uid}", f"gid={account.gid}", f"reach={int(account.reach)}"),
        "--",
        *wanted.command,
        env=dict(wanted.env),
        cwd=wanted.folder,
        stdin=DEVNULL,
        stdout=stdout,
        stderr=stderr,
        process_group=0,  # Ctrl-C in the terminal is ours to pass on, in our order
    )


async def end(process: Process, *, first: signal.Signals, patience_s: float) -> int:
    """Ask with `first`, wait, then insist; also sweeps what the child left in its process group."""
    try:
        if process.returncode is None:
            send(process, first)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), patience_s)
    finally:  # also when cancelled: whoever cancels the polite wait wants it over now
        sweep(process)
        code = await asyncio.wait_for(process.wait(), REAP_S)
    return code


def send(process: Process, which: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(which)


def sweep(process: Process) -> None:
    """SIGKILL to the child's whole process group, which may hold more than the child."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
