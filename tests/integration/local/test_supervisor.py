"""The supervisor brings back what dies, and leaves nothing behind however it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from services.local.supervisor import Program, Supervisor

type Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
type IsRunning = Callable[[int], bool]
type RunScript = Callable[..., Awaitable[Process]]

WAIT: Final = "import signal; signal.pause()"
DEAF: Final = (
    "import signal\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('deaf', flush=True)\n"
    "while True: signal.pause()"
)
WITH_A_CHILD: Final = (
    "import subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
    "print(child.pid, flush=True)\n"
    "child.wait()"
)
SUPERVISE: Final = """
import asyncio, sys
from services.local.signals import cancel_on_signals
from services.local.supervisor import Program, Supervisor
async def main():
    cancel_on_signals()
    async with Supervisor(lambda name, line: print(line, flush=True)) as supervisor:
        for number, text in enumerate(sys.argv[1:]):
            supervisor.add(Program(name=f"p{number}", command=(sys.executable, "-c", text)))
        await supervisor.wait()
try:
    asyncio.run(main())
except asyncio.CancelledError:
    print("cancelled", flush=True)
"""


class Log:
    """Takes every line and lets a test look for one."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    def events(self) -> list[str]:
        entries = (json.loads(line) for _, line in self.lines if line.startswith("{"))
        return [entry["event"] for entry in entries]


def python(name: str, text: str, **more: Any) -> Program:
    return Program(name=name, command=(sys.executable, "-c", text), **more)


async def test_a_killed_process_comes_back_under_a_new_id(eventually: Eventually) -> None:
    log = Log()
    async with Supervisor(log) as supervisor:
        supervisor.add(python("auth", WAIT))
        await eventually(lambda: "auth" in supervisor.alive())
        first = supervisor.pids()["auth"]

        supervisor.kill("auth")
        await eventually(lambda: supervisor.pids().get("auth", first) != first)

    happened = ["process_started", "process_ended", "process_started", "process_stopping"]
    assert log.events() == happened
    assert supervisor.alive() == frozenset()


async def test_a_stopped_process_stays_stopped_until_restarted(eventually: Eventually) -> None:
    async with Supervisor(Log()) as supervisor:
        supervisor.add(python("auth", WAIT))
        supervisor.add(python("user", WAIT))
        await eventually(lambda: supervisor.alive() == {"auth", "user"})

        await supervisor.stop("auth")
        assert supervisor.alive() == {"user"}

        await supervisor.restart("auth")
        await eventually(lambda: supervisor.alive() == {"auth", "user"})


async def test_a_restarted_process_is_told_something_new_and_remembers_it(eventually: Eventually) -> None:
    log = Log()
    text = "import os; print(os.environ.get('SKEW', 'right'), flush=True); " + WAIT
    async with Supervisor(log) as supervisor:
        supervisor.add(python("auth", text))
        await eventually(lambda: ("auth", "right") in log.lines)

        await supervisor.restart("auth", SKEW="wrong")
        await eventually(lambda: log.lines.count(("auth", "wrong")) == 1)
        supervisor.kill("auth")

        await eventually(lambda: log.lines.count(("auth", "wrong")) == 2)


async def test_every_line_is_passed_on_with_the_name_of_its_process(eventually: Eventually) -> None:
    log = Log()
    text = "import sys; print('out'); print('err', file=sys.stderr); print('x' * 200_000); print()"
    async with Supervisor(log) as supervisor:
        supervisor.add(python("auth", text))
        await eventually(lambda: "process_ended" in log.events())

    said = [line for name, line in log.lines if name == "auth" and not line.startswith("{")]
    assert {"out", "err", ""} <= set(said)
    assert sum(line.count("x") for line in said) == 200_000


async def test_last_words_are_heard(eventually: Eventually) -> None:
    log = Log()
    text = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit('drained'))\n"
        "print('ready', flush=True)\n"
        "signal.pause()"
    )
    async with Supervisor(log) as supervisor:
        supervisor.add(python("auth", text))
        await eventually(lambda: ("auth", "ready") in log.lines)

    assert ("auth", "drained") in log.lines


async def test_a_program_that_cannot_start_is_tried_again(eventually: Eventually) -> None:
    log = Log()
    async with Supervisor(log) as supervisor:
        supervisor.add(Program(name="no-program", command=("/no/such/program",)))
        supervisor.add(python("no-folder", WAIT, folder=Path("/no/such/folder")))

        await eventually(lambda: log.events().count("process_ended") >= 4)


async def test_a_nice_process_is_nice(eventually: Eventually) -> None:
    log = Log()
    # Whoever runs the tests may be nice himself.
    nicer = str(min(19, os.nice(0) + 7))
    async with Supervisor(log) as supervisor:
        supervisor.add(python("load", "import os; print(os.nice(0))", nice=7))
        await eventually(lambda: ("load", nicer) in log.lines)


async def test_children_of_children_end_too(eventually: Eventually, is_running: IsRunning) -> None:
    log = Log()
    async with Supervisor(log) as supervisor:
        supervisor.add(python("frontend", WITH_A_CHILD))
        await eventually(lambda: any(line.isdigit() for _, line in log.lines))
        grandchild = next(int(line) for _, line in log.lines if line.isdigit())

    await eventually(lambda: not is_running(grandchild))


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
async def test_one_signal_ends_all_politely(which: signal.Signals, run_script: RunScript) -> None:
    ours = await run_script(SUPERVISE, WAIT, WAIT)
    await _started_ids(ours, 2)

    ours.send_signal(which)

    assert await asyncio.wait_for(ours.wait(), 45) == 0


async def test_a_second_signal_ends_the_patience(
    run_script: RunScript, eventually: Eventually, is_running: IsRunning
) -> None:
    ours = await run_script(SUPERVISE, DEAF)
    [pid] = await _started_ids(ours, 1)
    await _line(ours, b"deaf")

    ours.send_signal(signal.SIGINT)
    await _line(ours, b"process_stopping")
    ours.send_signal(signal.SIGTERM)

    await asyncio.wait_for(ours.wait(), 9)  # less than the patience that SIGTERM alone would get
    await eventually(lambda: not is_running(pid))


async def test_nothing_outlives_a_killed_supervisor(
    run_script: RunScript, eventually: Eventually, is_running: IsRunning
) -> None:
    ours = await run_script(SUPERVISE, WAIT, DEAF)
    pids = await _started_ids(ours, 2)

    ours.kill()

    await eventually(lambda: not any(map(is_running, pids)))


async def _started_ids(process: Process, count: int) -> list[int]:
    return [json.loads(await _line(process, b"process_started"))["pid"] for _ in range(count)]


async def _line(process: Process, words: bytes) -> bytes:
    assert process.stdout is not None
    async with asyncio.timeout(45):
        while words not in (line := await process.stdout.readline()):
            assert line, "it ended early"
    return line
