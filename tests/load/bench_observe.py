"""What watching costs: bookings a second unwatched and watched, in turns, on one machine.

`python -m tests.load.bench_observe --pairs 3`: watched is Prometheus every two seconds with all rules, and traces at
10 % (TRACE_RATIO) to an OTLP collector on this machine. Counting itself is always on. Prints each pair and the median.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.conftest import free_port
from tests.otlp_collector import collecting

WATCHED: Final = {"OBSERVE": "1", "TRACE_RATIO": os.environ.get("TRACE_RATIO", "0.1")}


async def bookings_per_s(extra: dict[str, str], *, buyers: int, seconds: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "verdict.json"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services", "bench", "--log", str(Path(folder) / "log"), "--out", str(out)),
            *("--buyers", str(buyers), "--seconds", str(seconds)),
            env=os.environ | {"OBSERVE": ""} | extra,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        if await process.wait() != 0:
            raise SystemExit("the bench did not keep its promises")
        return float(json.loads(out.read_text())["bookings_per_s"])


async def watched(*, buyers: int, seconds: int) -> tuple[float, int]:
    port = free_port()
    async with collecting(port) as collector:
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
        pace = await bookings_per_s(WATCHED | endpoint, buyers=buyers, seconds=seconds)
        return pace, len(collector.spans)


async def run(pairs: int, *, buyers: int, seconds: int) -> None:
    ratios = []
    for number in range(pairs):
        # In turns, so that a machine that grows warm or busy favours neither.
        if number % 2:
            (on, spans), off = (
                await watched(buyers=buyers, seconds=seconds),
                await bookings_per_s({}, buyers=buyers, seconds=seconds),
            )
        else:
            off = await bookings_per_s({}, buyers=buyers, seconds=seconds)
            on, spans = await watched(buyers=buyers, seconds=seconds)
        ratios.append(on / off)
        print(f"unwatched {off:.1f}/s  watched {on:.1f}/s  ratio {on / off:.3f}  spans {spans}", flush=True)
    print(f"median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--buyers", type=int, default=400)
    parser.add_argument("--seconds", type=int, default=15)
    wanted = parser.parse_args()
    asyncio.run(run(wanted.pairs, buyers=wanted.buyers, seconds=wanted.seconds))
