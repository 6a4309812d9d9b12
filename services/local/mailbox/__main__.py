"""Runs the mailbox as a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import ArgumentParser
from pathlib import Path

import uvloop

from services.local.mailbox.catcher import catching
from services.local.mailbox.shelf import Shelf
from services.local.mailbox.site import showing
from services.local.signals import cancel_on_signals


def main() -> None:
    parser = ArgumentParser(prog="python -m services.local.mailbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="whom it listens to; by default this machine alone")
    parser.add_argument("--smtp", type=int, required=True, metavar="PORT")
    parser.add_argument("--http", type=int, required=True, metavar="PORT")
    parser.add_argument("--dir", type=Path, required=True)
    wanted = parser.parse_args()
    try:
        uvloop.run(serve(wanted.dir, wanted.host, smtp=wanted.smtp, http=wanted.http))
    except asyncio.CancelledError:
        return  # told to stop
    except OSError as error:  # a port that is taken, a folder that is closed
        sys.exit(f"mailbox: {error}")


async def serve(folder: Path, host: str, *, smtp: int, http: int) -> None:
    cancel_on_signals()
    shelf = Shelf(folder)
    async with catching(shelf, host=host, port=smtp), showing(shelf, host=host, port=http):
        listening = {"service": "mailbox", "event": "listening", "smtp": smtp, "http": http}
        print(json.dumps(listening), flush=True)  # noqa: T201 - a log line, for the supervisor
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
