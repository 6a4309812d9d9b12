"""`python -m tests.load.sale`: a sale, or a closed loop, against a platform that runs. Exit 1: it broke a promise."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import aiohttp
import uvloop
from rich.console import Console

from tests.load.sale.api import Refused
from tests.load.sale.bench import NoSeatsLeft
from tests.load.sale.inventory import NotLoaded
from tests.load.sale.report import show_verdict, write_report
from tests.load.sale.sale import run_sale
from tests.load.sale.settings import SaleSettings, Shares
from tests.load.sale.sockets import NoSocket

NOT_MEASURED = 2


def main() -> None:
    arguments = command_line().parse_args()
    console = Console(stderr=True)
    try:
        settings = settings_of(arguments)
        verdict = uvloop.run(run_sale(settings, console))
    except (Refused, NoSocket, NoSeatsLeft, NotLoaded, aiohttp.ClientError, ValueError) as failed:
        console.print(f"sale: {failed}", style="red", markup=False, highlight=False)
        sys.exit(NOT_MEASURED)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    show_verdict(verdict, Console())
    write_report(verdict, settings.report_file)
    sys.exit(0 if verdict.holds else 1)


def settings_of(arguments: argparse.Namespace) -> SaleSettings:
    shares = Shares(**{name: getattr(arguments, name) for name in Shares.names()})
    return SaleSettings(
        gateway=arguments.gateway,
        realtime=arguments.realtime,
        mailbox=arguments.mailbox,
        psp=arguments.psp,
        buyers=arguments.buyers,
        seed=arguments.seed,
        events=tuple(arguments.event),
        shares=shares,
        rush_s=arguments.rush,
        patience_s=arguments.patience,
        settle_s=arguments.settle,
        quiet_s=arguments.quiet,
        wait_for_mails=not arguments.no_mail_wait,
        bench=arguments.bench,
        warm_up_s=arguments.warm_up,
        measure_s=arguments.seconds,
        bench_seats=arguments.bench_seats,
        out=arguments.out,
    )


def command_line() -> argparse.ArgumentParser:
    usual = SaleSettings()
    parser = argparse.ArgumentParser(prog="python -m tests.load.sale", description=__doc__)
    where = parser.add_argument_group("where the platform is")
    where.add_argument("--gateway", default=usual.gateway)
    where.add_argument("--realtime", default=usual.realtime)
    where.add_argument("--mailbox", default=usual.mailbox)
    where.add_argument("--psp", default=usual.psp)
    parser.add_argument("--buyers", type=_positive, help="2000 at a sale, 256 at a bench")
    parser.add_argument("--seed", type=int, default=usual.seed, help="the same seed is the same crowd")
    parser.add_argument("--event", action="append", default=[], help="an event on sale; may be given again")
    parser.add_argument("--out", type=Path, help="the verdict as JSON; build/demo.json or build/bench.json")
    parser.add_argument("--rush", type=float, default=usual.rush_s, help="seconds within which all order")
    parser.add_argument("--patience", type=float, default=usual.patience_s, help="seconds a buyer waits for a result")
    parser.add_argument("--settle", type=float, default=usual.settle_s, help="seconds all may take to end afterwards")
    parser.add_argument("--quiet", type=float, default=usual.quiet_s, help="seconds without any change end the wait")
    parser.add_argument("--no-mail-wait", action="store_true", help="neither wait for mails nor judge them")
    bench = parser.add_argument_group("bench")
    bench.add_argument("--bench", action="store_true", help="a closed loop of buyers instead of a sale")
    bench.add_argument("--seconds", type=float, default=usual.measure_s)
    bench.add_argument("--warm-up", type=float, default=usual.warm_up_s)
    bench.add_argument("--bench-seats", type=_positive, default=usual.bench_seats)
    shares = parser.add_argument_group("shares of the crowd, 0 to 1")
    for name in Shares.names():
        shares.add_argument(f"--{name.replace('_', '-')}", dest=name, type=float, default=getattr(usual.shares, name))
    return parser


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    main()
