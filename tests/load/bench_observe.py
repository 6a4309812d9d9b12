"""What watching costs: bookings a second unwatched and watched, in turns, on two platforms side by side.

    python -m tests.load.bench_observe [--rounds 6] [--seconds 8] [--neither]

Watched is: Prometheus with all rules, which scrapes as often as it does in a cluster unless told (OBSERVE_EVERY), and
traces at 10 % (TRACE_RATIO), sent by OTLP to a process that takes them and does not look at them. Counting itself is
always on. Watchers share the machine with the platform, so that the ratio pays for them as well; Prometheus stands
still while the other platform has its turn. Prints each round, the median of their ratios, the CPU that a booking takes
of each service, and of the watchers apart. Exit 1: more than 5 %. With --neither nobody watches either platform: what
is printed then is what two equal platforms differ by on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, TextIO

import uvloop
from rich.console import Console

from services.kit.topology import topology
from services.local.platform import Platform, platform
from tests.load.sale.bench import buy_until, orders_of, shuffled_pairs, stage_event
from tests.load.sale.buyers import Buyer
from tests.load.sale.doors import Doors, close_sockets, doors
from tests.load.sale.inventory import wait_until_loaded
from tests.load.sale.progress import Stage
from tests.load.sale.settings import SaleSettings
from tests.load.sale.verdict import pace_of
from tests.otlp_collector import Sink, sinking
from tests.ports import free_port, use_free_ports

MOST_LOST: Final = 0.05
WARM_UP_S: Final = 2.0
BUYERS: Final = 256
MOST_SHOWN: Final = 12
# Nobody is limited by himself: each orders as often as he can.
BOTH: Final = {"RATE_LIMIT_BOOKINGS_PER_MIN": "0", "RATE_LIMIT_USER_PER_MIN": "0"}
UNWATCHED: Final = {"OBSERVE": "", "OTEL_EXPORTER_OTLP_ENDPOINT": ""}
# Every 15 s is what charts say.
WATCHED: Final = {
    "OBSERVE": "1",
    "OBSERVE_EVERY": os.environ.get("OBSERVE_EVERY", "15s"),
    "TRACE_RATIO": os.environ.get("TRACE_RATIO", "0.1"),
}
SERVICES: Final = tuple(row.name for row in topology().python_services)


@dataclass(frozen=True)
class Standing:
    """A platform that runs, and where a crowd finds it."""

    running: Platform
    settings: SaleSettings
    # Of what watches it, by name.
    watchers: Mapping[str, int]


@dataclass
class Side:
    """A platform under a closed loop of buyers, and what was measured of it so far."""

    place: Standing
    way_in: Doors
    buyers: Sequence[Buyer]
    orders: Iterator[dict[str, object]]
    # Of the last turn.
    per_second: float = 0.0
    booked: int = 0
    cpu_s: Counter[str] = field(default_factory=Counter)

    async def turn(self, seconds: float) -> None:
        """Buyers buy for so long, once they are warm; returns when each has his last result."""
        arrived, spent_before = time.perf_counter(), self._cpu_s()
        began = arrived + WARM_UP_S
        ends = began + seconds
        with self._prometheus_awake(), self.way_in.stage.phase("turn") as phase:
            await buy_until(ends, self.buyers, self.orders, phase, patience_s=self.way_in.settings.patience_s)
        done = [order for buyer in self.buyers for order in buyer.orders]
        self.per_second = pace_of(done, begin=began, end=ends).per_second
        self.booked += pace_of(done, begin=arrived).answered
        self.cpu_s.update(self._cpu_s())
        self.cpu_s.subtract(spent_before)

    def ms_a_booking(self, name: str) -> float:
        return 1000 * self.cpu_s[name] / self.booked

    def _cpu_s(self) -> Mapping[str, float]:
        services = {name: pid for name, pid in self.place.running.supervisor.pids().items() if name in SERVICES}
        return {name: _cpu_s_of(pid) for name, pid in {**services, **self.place.watchers}.items()}

    @contextmanager
    def _prometheus_awake(self) -> Iterator[None]:
        pid = self.place.watchers.get("prometheus")
        if pid is None:
            yield
            return
        os.kill(pid, signal.SIGCONT)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGSTOP)


def _cpu_s_of(pid: int) -> float:
    """User and system time, children's aside."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def standing(told: Mapping[str, str], log: TextIO, **watchers: int) -> AsyncIterator[Standing]:
    """A platform that was told so, on ports of its own. `watchers` are those it did not start itself."""
    os.environ |= {**BOTH, **told}
    use_free_ports()
    show: Callable[[str, str], None] = lambda name, line: print(name, line, file=log)  # noqa: E731 - named for its type
    async with platform(show, lambda _: None) as running:
        realtime = f"{running.url('realtime', scheme='ws')}/ws"
        settings = SaleSettings(gateway=running.url("gateway"), realtime=realtime, psp=running.url("payment"))
        prometheus = running.supervisor.pids().get("prometheus")
        try:
            yield Standing(running, settings, watchers | ({"prometheus": prometheus} if prometheus else {}))
        finally:
            if prometheus:
                os.kill(prometheus, signal.SIGCONT)  # One that stands still could not be ended politely.


@asynccontextmanager
async def crowded(place: Standing) -> AsyncIterator[Side]:
    """A large house on sale there, and its buyers at the door."""
    async with doors(place.settings, Stage(Console(quiet=True))) as way_in:
        event, dice = await stage_event(way_in), Random(place.settings.seed)
        await wait_until_loaded(way_in.api, event)
        buyers = await way_in.crowd([""] * BUYERS)
        try:
            yield Side(place, way_in, buyers, orders_of(event, shuffled_pairs(event, dice), dice))
        finally:
            await close_sockets(buyers)


async def measure(sink: Sink, told: Mapping[str, str], *, rounds: int, seconds: float, log: TextIO) -> float:
    """The median of watched to unwatched."""
    async with (
        standing(UNWATCHED, log) as unwatched,
        standing(told, log, collector=sink.pid) as watched,
    ):
        # The crowd has a loop of its own, the fast one, which can not start processes as the platform does.
        turns = in_turns(unwatched, watched, rounds=rounds, seconds=seconds)
        off, on, ratios = await asyncio.to_thread(uvloop.run, turns)
    _show_cpu(off, on)
    _show_spans(sink.names(), on.booked)
    print(f"watched to unwatched, median of {rounds}: {statistics.median(ratios):.3f}")
    return statistics.median(ratios)


async def in_turns(
    unwatched: Standing, watched: Standing, *, rounds: int, seconds: float
) -> tuple[Side, Side, Sequence[float]]:
    ratios = []
    async with crowded(unwatched) as off, crowded(watched) as on:
        for number in range(rounds):
            # Now one is first and now the other, so that a machine that grows warm or busy favours neither.
            for one in (off, on) if number % 2 else (on, off):
                await one.turn(seconds)
            ratios.append(on.per_second / off.per_second)
            print(f"unwatched {off.per_second:6.1f}/s   watched {on.per_second:6.1f}/s   {ratios[-1]:.3f}", flush=True)
    return off, on, ratios


def _show_cpu(off: Side, on: Side) -> None:
    """Of ten services together, then of those in which watching is felt most."""
    before, after = (sum(map(one.ms_a_booking, SERVICES)) for one in (off, on))
    print(f"CPU of a booking: {before:.2f} ms, watched {after:.2f} ms, {after / before - 1:+.1%}")
    for name in sorted(SERVICES, key=lambda name: off.ms_a_booking(name) - on.ms_a_booking(name)):
        print(f"  {name:<16}{off.ms_a_booking(name):6.2f} ms {on.ms_a_booking(name):6.2f} ms")
    watchers = (f"{name} {on.ms_a_booking(name):.2f} ms" for name in sorted(on.place.watchers))
    print(f"CPU of a booking of who watches: {', '.join(watchers)}")


def _show_spans(names: Counter[tuple[str, str]], booked: int) -> None:
    print(f"spans of a booking: {names.total() / booked:.2f}; most of them:")
    for (service, name), count in names.most_common(MOST_SHOWN):
        print(f"  {service:<16}{name:<48}{count / booked:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--neither", action="store_true")
    parser.add_argument("--log", type=Path, default=Path("build/bench-observe.log"))
    wanted = parser.parse_args()
    wanted.log.parent.mkdir(parents=True, exist_ok=True)
    port = free_port()
    watched = {**WATCHED, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
    told = UNWATCHED if wanted.neither else watched
    with wanted.log.open("w", encoding="utf-8") as log, sinking(port) as sink:
        median = asyncio.run(measure(sink, told, rounds=wanted.rounds, seconds=wanted.seconds, log=log))
    sys.exit(0 if median >= 1 - MOST_LOST else 1)


if __name__ == "__main__":
    main()
