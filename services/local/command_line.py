"""The commands of `python -m services`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from services.kit.database import migrate
from services.local import sagas
from services.local.banner import banner
from services.local.dead_letters.command import main as dead_letters
from services.local.log_view import LogView, coloured, machine_readable, plain
from services.local.platform import Platform, platform
from services.local.ports import BadOffset
from services.local.readiness import NotReady
from services.local.samples import load_samples
from services.local.signals import cancel_on_signals
from services.local.stores import StoreFailed
from services.local.visit import run_beside, visit
from services.local.watching import invariants, mesh, timeline
from services.local.watching.series import PageSilent, count_series
from services.local.web_app import start_web_app

INTERRUPTED: Final = 130
SALE: Final = "tests.load.sale"
# What looks after a platform that runs: each parses its own arguments and gives an exit code.
TOOLS: Final[Mapping[str, Callable[[Sequence[str]], int]]] = {
    "dlq": dead_letters,
    "sagas": sagas.main,
    "invariants": invariants.main,
    "timeline": timeline.main,
    "mesh": mesh.main,
}


def main() -> None:
    arguments, more = _parser().parse_known_args()
    if arguments.command == "migrate":
        sys.argv[1:] = more
        migrate.main()
        return
    if arguments.command in TOOLS:
        sys.exit(TOOLS[arguments.command](more))
    works: dict[str, Callable[[Platform], Awaitable[int]]] = {
        "run": _serve,
        "demo": lambda running: _demo(running, more),
        "bench": lambda running: _sale(running, ["--bench", *more]),
        "with": lambda running: visit(running, arguments.words),
    }
    if more and arguments.command == "run":
        sys.exit(f"unknown arguments: {' '.join(more)}")
    try:
        sys.exit(asyncio.run(_with_platform(arguments, works[arguments.command])))
    except (asyncio.CancelledError, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except (StoreFailed, NotReady, BadOffset, PageSilent) as told:
        sys.exit(f"ticketing: {told}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("run", "start everything and keep it running until Ctrl-C"),
        ("demo", "start everything, hold a sale, print the verdict (options: see tests/load)"),
        ("bench", "start everything, measure bookings per second (options: see tests/load)"),
        ("with", "start everything and the web app, run a command that finds their addresses in its environment"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--json", action="store_true", help="logs as JSON lines")
        command.add_argument("--log", help="write the logs to this file instead of the terminal")
        if name == "with":
            command.add_argument("words", nargs=argparse.REMAINDER, help="the command")
    commands.add_parser("sagas", help="bookings that wait for a person: parked, resume", add_help=False)
    commands.add_parser("migrate", help="bring schemas up to date: all, or those of the services named")
    commands.add_parser("dlq", help="look at dead letters and send them back: list, show, replay", add_help=False)
    commands.add_parser("invariants", help="look whether everything that must hold does; exit 1 if not", add_help=False)
    commands.add_parser("mesh", help="who calls whom, how often, how well, with which certificate", add_help=False)
    commands.add_parser("timeline", help="what happened to a booking, for support", add_help=False)
    return parser


async def _with_platform(arguments: argparse.Namespace, work: Callable[[Platform], Awaitable[int]]) -> int:
    cancel_on_signals()
    out = open(arguments.log, "a", encoding="utf-8") if arguments.log else sys.stdout  # noqa: ASYNC230, SIM115 - once, at start
    render = machine_readable if arguments.json else coloured if out.isatty() else plain
    async with platform(LogView(out, render), _say) as running:
        return await work(running)


async def _serve(running: Platform) -> int:
    samples = await load_samples(running.url("gateway"), running.secrets.organiser_password)
    has_web_app = start_web_app(running.supervisor)
    _say(banner(running, samples, web_app=has_web_app))
    await running.supervisor.wait()
    return 0


async def _demo(running: Platform, options: Sequence[str]) -> int:
    code = await _sale(running, options)
    counted = await count_series()
    _say(f"series on {len(counted)} metrics pages: {sum(counted.values())}")
    return code


async def _sale(running: Platform, options: Sequence[str]) -> int:
    """The sale is a client like any other: a process of its own that knows addresses and nothing else."""
    gateway = running.url("gateway")
    samples = [] if "--bench" in options else await load_samples(gateway, running.secrets.organiser_password)
    return await run_beside(
        *(sys.executable, "-m", SALE),
        *("--gateway", gateway),
        *("--realtime", f"{running.url('realtime', scheme='ws')}/ws"),
        *("--mailbox", running.mailbox_url),
        *("--psp", running.url("payment")),
        *(word for sample in samples for word in ("--event", sample.event_id)),
        *options,
    )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
