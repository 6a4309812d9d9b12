"""`python -m tests.load.rehearsal`: a sale while everything breaks. Exit 1: somebody was harmed; 2: it was not held."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

import aiohttp
from rich.console import Console

from services.kit.errors import Told
from services.kit.rpc.status import PeerFault
from services.local.ports import BadOffset
from services.local.readiness import NotReady
from services.local.signals import cancel_on_signals
from services.local.stores import StoreFailed
from tests.load.rehearsal.rehearsal import NotOurs, rehearse
from tests.load.rehearsal.report import Outcome, show_outcome, write_outcome
from tests.load.rehearsal.settings import RehearsalSettings
from tests.load.sale.api import Refused
from tests.load.sale.inventory import NotLoaded
from tests.load.sale.sockets import NoSocket

NOT_HELD = 2
# Moves the ports of services out of the range of outgoing connections (Linux: 32768 to 60999). Thousands of buyers who
# connect at once would otherwise take the port of a service that was killed, and it could not start again.
PORT_OFFSET = "11000"
INTERRUPTED = 130
_STOPPED = (
    *(Refused, NoSocket, NotLoaded, NotReady, NotOurs, StoreFailed, BadOffset, aiohttp.ClientError),
    *(Told, PeerFault),
)


def main() -> None:
    os.environ.setdefault("LOCAL_PORT_OFFSET", PORT_OFFSET)
    settings = settings_of(command_line().parse_args())
    console = Console(stderr=True)
    try:
        outcome = asyncio.run(_rehearse(settings, console))
    except* _STOPPED as several:
        for failed in several.exceptions:
            console.print(f"rehearsal: {failed}", style="red", markup=False, highlight=False)
        sys.exit(NOT_HELD)
    except* (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(INTERRUPTED)
    show_outcome(outcome, Console())
    write_outcome(outcome, settings.out)
    sys.exit(0 if outcome.passed else 1)


async def _rehearse(settings: RehearsalSettings, console: Console) -> Outcome:
    cancel_on_signals()
    return await rehearse(settings, console)


def settings_of(arguments: argparse.Namespace) -> RehearsalSettings:
    return RehearsalSettings(
        buyers=arguments.buyers,
        seed=arguments.seed,
        faults=arguments.faults,
        every_s=arguments.every,
        out=arguments.out,
        log=arguments.log,
    )


def command_line() -> argparse.ArgumentParser:
    usual = RehearsalSettings()
    parser = argparse.ArgumentParser(prog="python -m tests.load.rehearsal", description=__doc__)
    parser.add_argument("--buyers", type=_positive, default=usual.buyers)
    parser.add_argument("--seed", type=int, default=usual.seed, help="the same seed is the same crowd and bad day")
    parser.add_argument("--faults", type=_positive, default=usual.faults)
    parser.add_argument("--every", type=float, default=usual.every_s, help="seconds between faults, on average")
    parser.add_argument("--out", type=Path, default=usual.out, help="the figures as JSON")
    parser.add_argument("--log", type=Path, default=usual.log, help="what all processes have to say")
    return parser


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    main()
