"""Those who make things go wrong also put them right."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.local.supervisor import Program, Supervisor
from services.payment.psp.faults import NONE, FaultDesk, Faults
from services.payment.routes.faults import FaultRoutes
from services.payment.routes.problems import problems
from tests.load.rehearsal.faults import Fault, Kind
from tests.load.rehearsal.injectors import Clocks, Freezes, Kills, Psp, Stores
from tests.waiting import until

PATIENT = (
    sys.executable,
    "-c",
    "import os, signal; print(os.environ.get('CLOCK_SKEW_S', '0'), flush=True); signal.pause()",
)


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append(line)


class PatientStore:
    """Remembers what was done to it; is never two things at once."""

    def __init__(self) -> None:
        self.pid: int | None = 1
        self.life: list[str] = []

    async def start(self) -> None:
        self.life.append("start")

    async def stop(self) -> None:
        self.life.append("stop")

    async def kill(self) -> None:
        self.life.append("kill")


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def supervisor(log: Log) -> AsyncIterator[Supervisor]:
    async with Supervisor(log) as supervisor:
        for name in ("auth", "user"):
            supervisor.add(Program(name=name, command=PATIENT))
        yield supervisor


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


async def test_two_are_killed_at_once_and_one_that_is_just_coming_back_is_waited_for(supervisor: Supervisor) -> None:
    await until(lambda: len(supervisor.alive()) == 2)
    before = supervisor.pids()
    kills = Kills(supervisor)

    await kills.inject(Fault(kind=Kind.KILL, targets=("auth", "user")))
    await until(lambda: not supervisor.alive())
    await kills.inject(Fault(kind=Kind.KILL, targets=("auth",)))

    await until(lambda: len(supervisor.alive()) == 2)
    assert not set(supervisor.pids().values()) & set(before.values())


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says whether a process is stopped")
async def test_a_frozen_process_thaws_also_when_the_rehearsal_is_stopped(supervisor: Supervisor) -> None:
    await until(lambda: "auth" in supervisor.alive())
    pid = supervisor.pids()["auth"]
    freezing = asyncio.create_task(Freezes(supervisor).inject(Fault(kind=Kind.FREEZE, targets=("auth",), lasts_s=60)))
    await until(lambda: state_of(pid) == "T")

    freezing.cancel()

    await until(lambda: state_of(pid) == "S")
    assert supervisor.pids()["auth"] == pid


async def test_a_clock_is_wrong_until_it_is_healed(supervisor: Supervisor, log: Log) -> None:
    clocks = Clocks(supervisor)

    await clocks.inject(Fault(kind=Kind.CLOCK, targets=("auth",), details={"by_s": -40}))
    await until(lambda: "-40" in log.lines)
    healthy_before = log.lines.count("0")
    await clocks.heal()

    await until(lambda: log.lines.count("0") == healthy_before + 1)


async def test_a_store_comes_back_before_the_next_thing_happens_to_it() -> None:
    store = PatientStore()
    stores = Stores({"Valkey": store})
    kill = Fault(kind=Kind.STORE_KILL, targets=("Valkey",), lasts_s=0.01)
    stop = Fault(kind=Kind.STORE_STOP, targets=("Valkey",), lasts_s=0.01)

    await asyncio.gather(stores.inject(kill), stores.inject(stop))

    assert store.life == ["kill", "start", "stop", "start"]


async def test_a_store_is_started_again_also_when_the_rehearsal_is_stopped() -> None:
    store = PatientStore()
    kill = Fault(kind=Kind.STORE_KILL, targets=("Valkey",), lasts_s=60)
    killing = asyncio.create_task(Stores({"Valkey": store}).inject(kill))
    await until(lambda: store.life == ["kill"])

    killing.cancel()

    await until(lambda: store.life == ["kill", "start"])


async def test_faults_of_the_psp_add_up_and_end() -> None:
    desk, app = FaultDesk(), web.Application(middlewares=[problems])
    FaultRoutes(desk).add_to(app)
    async with TestServer(app) as server:
        psp = Psp(str(server.make_url("")).rstrip("/"))
        slow = Fault(kind=Kind.PSP, targets=("payment",), lasts_s=2.0, details={"slow_s": 0.5})
        deaf = Fault(kind=Kind.PSP, targets=("payment",), lasts_s=2.0, details={"unanswered": 0.4})
        injecting = asyncio.gather(psp.inject(slow), psp.inject(deaf))

        await until(lambda: desk.now == Faults(slow_s=0.5, unanswered=0.4))
        await injecting
        await psp.heal()

        assert desk.now == NONE


async def test_a_psp_that_is_away_is_asked_again() -> None:
    fault = Fault(kind=Kind.PSP, targets=("payment",), lasts_s=0.2, details={"slow_s": 0.5})

    await Psp("http://127.0.0.1:9").inject(fault)


async def test_an_order_that_the_sandbox_refuses_stops_the_rehearsal() -> None:
    app = web.Application(middlewares=[problems])
    FaultRoutes(FaultDesk()).add_to(app)
    async with TestServer(app) as server:
        nonsense = Fault(kind=Kind.PSP, targets=("payment",), lasts_s=1, details={"slow_s": 1000})

        with pytest.raises(RuntimeError, match="refuses"):
            await Psp(str(server.make_url("")).rstrip("/")).inject(nonsense)
