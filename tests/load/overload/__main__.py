"""Far more orders than the platform can decide, through the public API: `make bench-overload`.

Starts a platform whose lines hold a few seconds' work, finds its peak by doubling the pace until no more is decided,
and sends up to five times as much in an open loop. Prints the curve as a table and draws it; exits 1 when goodput falls
below 80 % of the peak, somebody waits for an accepted order longer than the line is long, an answer is missing or has
no time to come back, memory grows without bound, or the platform does not go on as before once the crowd has gone.

The gateway and the crowd have half of the cores, what decides the other half: on one machine a crowd would else take
the time that it is to be refused. Each pace begins when what came before it is done, its mails too; how long that took
after the last and greatest is told, and has to be less than a minute.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from rich.console import Console

from services.local.log_view import LogView, plain
from services.local.platform import Platform, platform
from services.local.ports import service_port
from tests.load.overload.cores import halves, move, rest_of
from tests.load.overload.crowd import Crowd, Level
from tests.load.overload.curve import Point, as_table, broken_promises, draw, point_of
from tests.load.sale.bench import orders_of, shuffled_pairs, stage_event
from tests.load.sale.buyers import Buyer
from tests.load.sale.doors import close_sockets, doors
from tests.load.sale.inventory import wait_until_loaded
from tests.load.sale.progress import Stage
from tests.load.sale.settings import SaleSettings

# What the platform is told: nobody is limited by himself, and a line holds some seconds' work.
LINE: Final = 1_500
TOLD: Final = {
    "QUEUE_LIMIT": str(LINE),
    "RATE_LIMIT_BOOKINGS_PER_MIN": "0",
    "RATE_LIMIT_USER_PER_MIN": "0",
}
BUYERS: Final = 40
CONNECTIONS: Final = 200
# Of the peak: the climb, the overload, and what comes after it.
SHARES: Final = (0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 0.5)
# The first probe; each is twice the one before, until no more is decided.
PROBE_PER_S: Final = 150.0
IS_MORE: Final = 1.1
PROBES: Final = 6
DRAINED_S: Final = 60.0
# From the last outcome to the last mail.
RESTS_S: Final = 60.0
SEATS: Final = 150_000


async def main(options: argparse.Namespace) -> int:
    os.environ.update(TOLD)
    decides, door = halves()
    # What is started has the cores of whoever starts it.
    move(os.getpid(), decides)
    with open(options.log, "w", encoding="utf-8") as out:  # noqa: ASYNC230 - once, at the start
        async with platform(LogView(out, plain), _say) as running:
            for pid in (running.supervisor.pids()["gateway"], os.getpid()):
                move(pid, door)
            points = await _measure(running, decides, options.seconds)
    sys.stdout.write(as_table(points))
    draw(points, options.png)
    broken = broken_promises(points, line=LINE, rests_within_s=RESTS_S)
    for promise in broken:
        _say(f"! {promise}")
    _say("the promises hold" if not broken else f"{len(broken)} promises broken")
    return 1 if broken else 0


async def _measure(running: Platform, decides: Collection[int], seconds: float) -> list[Point]:
    settings = SaleSettings(
        gateway=running.url("gateway"),
        realtime=f"{running.url('realtime', scheme='ws')}/ws",
        psp=running.url("payment"),
        bench_seats=SEATS,
    )
    async with doors(settings, Stage(Console(stderr=True))) as way_in:
        event = await stage_event(way_in)
        await wait_until_loaded(way_in.api, event)
        buyers = await way_in.crowd([""] * BUYERS)
        try:
            dice = Random(1)
            orders = orders_of(event, shuffled_pairs(event, dice), dice)
            members = [buyer.member for buyer in buyers]
            crowd = Crowd("127.0.0.1", service_port("gateway", "http"), members, orders)
            await crowd.open(CONNECTIONS)
            return await Climb(running=running, decides=decides, crowd=crowd, buyers=buyers, seconds=seconds).run()
        finally:
            await close_sockets(buyers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """One pace after another, each for so many seconds, from a platform at rest to a platform at rest."""

    running: Platform
    # The cores of what decides.
    decides: Collection[int]
    crowd: Crowd
    buyers: list[Buyer]
    seconds: float

    async def run(self) -> list[Point]:
        peak = await self._peak()
        _say(f"peak: about {peak:.0f} orders decided a second")
        points = []
        for share in SHARES:
            point = await self._pace(peak * share, self.seconds)
            points.append(point)
            _say(f"{share:>4.1f} of it: {point.goodput_per_s:.0f}/s decided, {point.put_off_per_s:.0f}/s put off")
        return points

    async def _peak(self) -> float:
        """The most that is decided a second: batches grow with the line, so it comes well after waiting begins."""
        # Caches and connections are cold, so the first does not count.
        await self._pace(PROBE_PER_S, self.seconds / 2)
        most = 0.0
        for doubled in range(PROBES):
            decided = (await self._pace(PROBE_PER_S * 2**doubled, self.seconds)).goodput_per_s
            if decided < IS_MORE * most:
                break
            most = decided
        return most

    async def _pace(self, per_s: float, seconds: float) -> Point:
        memory = Memory(self.running)
        watching = asyncio.create_task(memory.watch(), name="memory")
        level = await self.crowd.send(per_s, seconds)
        await self._drain(level)
        watching.cancel()
        for buyer in self.buyers:
            buyer.socket.heard.clear()
        rests_after_s = await rest_of(self.decides, at_most_s=RESTS_S)
        return point_of(level, per_s=per_s, seconds=seconds, memory_mb=memory.most_mb, rests_after_s=rests_after_s)

    async def _drain(self, level: Level) -> None:
        """Until each order that was taken has its outcome, or for so long."""
        decided: set[str] = set()
        ends = asyncio.get_running_loop().time() + DRAINED_S
        while asyncio.get_running_loop().time() < ends:
            for buyer in self.buyers:
                for booking_id, heard in buyer.socket.heard.items():
                    if heard.first_at and booking_id in level.sent_at and booking_id not in decided:
                        decided.add(booking_id)
                        level.decided_at.append(heard.first_at)
                        level.decided_in_s.append(heard.first_at - level.sent_at[booking_id])
            # Also of those whose 202 came after the last was sent.
            if level.answered >= level.offered and len(decided) == level.accepted:
                return
            await asyncio.sleep(0.2)


@dataclass(slots=True)
class Memory:
    """The most that all services together had."""

    running: Platform
    most_mb: float = 0.0

    async def watch(self) -> None:
        while True:
            self.most_mb = max(self.most_mb, sum(map(_resident_mb, self.running.supervisor.pids().values())))
            await asyncio.sleep(0.5)


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.load.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each pace; more than 20 sell the house out")
    parser.add_argument("--log", default="build/overload.log")
    parser.add_argument("--png", type=Path, default=Path("docs/images/overload.png"))
    sys.exit(asyncio.run(main(parser.parse_args())))
