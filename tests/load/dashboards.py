"""Draws the dashboards as they look after a sale: `make dashboards`.

    python -m tests.load.dashboards [--buyers 1000] [--rush 40]

Starts the platform with Prometheus beside it, holds a sale, and writes docs/images/dashboard-….png, one for each board
that a platform without a cluster can fill. Exit 1: the sale broke a promise, and no picture was drawn.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import aiohttp
import uvloop
from rich.console import Console

from observe.boards import ALL
from observe.dashboards import file_of
from observe.panels import Board, Panel, Query, rate
from observe.pictures.answers import Prometheus, Series, Span
from observe.pictures.drawing import draw
from services.local.log_view import LogView, plain
from services.local.platform import Platform, platform
from services.local.prometheus import prometheus_url
from services.local.samples import load_samples
from tests.load.sale.sale import run_sale
from tests.load.sale.settings import SaleSettings

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
# Certificates are watched too.
TOLD: Final = {"OBSERVE": "1", "OBSERVE_EVERY": "2s", "MESH_MTLS": "permissive"}
# Before and after the sale, so that one sees it come and go.
QUIET_S: Final = 15.0
STEP_S: Final = 2.0
# Nobody runs an operator on a laptop: tests/cluster/operator_picture.py draws its board.
BOARDS: Final = [board for board in ALL if board.of_a_platform]


async def main(options: argparse.Namespace) -> int:
    os.environ.update(TOLD)
    with open(options.log, "w", encoding="utf-8") as out:  # noqa: ASYNC230 - once, at the start
        async with platform(LogView(out, plain), _say) as running:
            samples = await load_samples(running.url("gateway"), running.secrets.organiser_password)
            await asyncio.sleep(QUIET_S)
            began = time.time()
            settings = _settings(running, [sample.event_id for sample in samples], options)
            # The crowd has a loop of its own, the fast one.
            verdict = await asyncio.to_thread(uvloop.run, run_sale(settings, Console(stderr=True)))
            await asyncio.sleep(QUIET_S)
            if not verdict.holds:
                _say(f"the sale broke a promise: {verdict}")
                return 1
            await _draw_all(began, options.folder)
    return 0


def _settings(running: Platform, events: Sequence[str], options: argparse.Namespace) -> SaleSettings:
    return SaleSettings(
        gateway=running.url("gateway"),
        realtime=f"{running.url('realtime', scheme='ws')}/ws",
        psp=running.url("payment"),
        mailbox=running.mailbox_url,
        buyers=options.buyers,
        rush_s=options.rush,
        events=tuple(events),
    )


async def _draw_all(began: float, folder: Path) -> None:
    async with aiohttp.ClientSession() as web:
        prometheus = Prometheus(web, prometheus_url())
        # Buyers register before the first of them orders; and a graph shows one moment.
        first, moment = await _first_and_busiest(prometheus, Span(began, time.time(), STEP_S))
        span = Span(first - QUIET_S, time.time(), STEP_S)
        for board in BOARDS:
            _say(str(await draw_board(board, prometheus, span, folder, moment)))


async def draw_board(board: Board, prometheus: Prometheus, span: Span, folder: Path, moment: float) -> Path:
    """The board over that time, its graphs at that moment; the picture's path."""
    answers = {
        query.expr: await _asked(prometheus, board, panel, query, span, moment)
        for panel in board.panels
        for query in panel.queries
    }
    path = folder / f"dashboard-{file_of(board).stem}.png"
    draw(board, answers, span, path)
    return path


async def _first_and_busiest(prometheus: Prometheus, span: Span) -> tuple[float, float]:
    """When the first order was confirmed, and when most were."""
    (confirmed,) = await prometheus.over(rate("bookings_total", outcome='"confirmed"'), span)
    busy = [(at, per_s) for at, per_s in confirmed.points if per_s > 0]
    return busy[0][0], max(busy, key=lambda point: point[1])[0]


async def _asked(
    prometheus: Prometheus, board: Board, panel: Panel, query: Query, span: Span, moment: float
) -> Sequence[Series]:
    expr = board.asked(query)
    return await (prometheus.at(expr, moment) if panel.kind == "nodeGraph" else prometheus.over(expr, span))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.load.dashboards", description=__doc__)
    parser.add_argument("--buyers", type=int, default=1000)
    parser.add_argument("--rush", type=float, default=40.0, help="seconds in which they come")
    parser.add_argument("--folder", type=Path, default=IMAGES)
    parser.add_argument("--log", default="build/dashboards.log")
    sys.exit(asyncio.run(main(parser.parse_args())))
