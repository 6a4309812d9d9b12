"""`python -m services sagas parked | resume`: bookings that nothing works on until a person looks."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from protos.gen import booking_pb2 as pb
from protos.gen.booking_pb2_grpc import BookingServiceStub
from services.kit.errors import Told
from services.kit.rpc.client import Peer
from services.local.environment import HOST
from services.local.identities import tool_security
from services.local.ports import service_port

if TYPE_CHECKING:
    from protos.gen.booking_pb2_grpc import BookingServiceAsyncStub

    type Booking = Peer[BookingServiceAsyncStub]

TIMEOUT_S: Final = 10.0


def main(words: Sequence[str]) -> int:
    """0: done. 1: booking does not answer, or refuses. `parked` with none parked prints so and is 0 as well."""
    arguments = _parser().parse_args(words)
    try:
        return asyncio.run(_run(arguments))
    except Told as told:
        sys.stderr.write(f"ticketing: {told} ({told.reason})\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services sagas", description=__doc__)
    default = os.environ.get("BOOKING_SERVICE_URL") or f"{HOST}:{service_port('booking', 'grpc')}"
    parser.add_argument("--booking", default=default, help="host:port of booking (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("parked", help="which, since when, at which step, and why")
    listing.add_argument("--limit", type=int, default=100, help="at most so many, the longest parked first")
    resume = commands.add_parser("resume", help="let them go on from where they stood")
    which = resume.add_mutually_exclusive_group(required=True)
    which.add_argument("booking_ids", nargs="*", default=[], metavar="booking-id")
    which.add_argument("--all", action="store_true", help="all of them")
    return parser


async def _run(arguments: argparse.Namespace) -> int:
    async with Peer(
        "booking",
        arguments.booking,
        BookingServiceStub,
        service="booking.BookingService",
        security=tool_security(),
    ) as booking:
        if arguments.command == "parked":
            return await _list(booking, arguments.limit)
        return await _resume(booking, arguments.booking_ids)


async def _list(booking: Booking, limit: int) -> int:
    reply = await booking.call(booking.stub.ListParked, pb.ListParkedRequest(limit=limit), timeout_s=TIMEOUT_S)
    table = Table("booking", "event", "parked at (UTC)", "status", "step", "why", box=None)
    for one in reply.parked:
        at = one.parked_at.ToDatetime(UTC).isoformat(timespec="seconds").removesuffix("+00:00")
        step = f"undoing {one.step}" if one.undoing else one.step
        status = pb.BookingStatus.Name(one.status).lower()
        table.add_row(one.booking_id, one.event_id, at, status, step, Text(one.why))
    console = Console(width=None if sys.stdout.isatty() else 240)
    if reply.parked:
        console.print(table)
    console.print(f"{reply.total} parked")
    return 0


async def _resume(booking: Booking, booking_ids: Sequence[str]) -> int:
    """Asked again until none is left when all are meant: they are taken a thousand at a time."""
    resumed = 0
    while True:
        request = pb.ResumeParkedRequest(booking_ids=booking_ids)
        taken = (await booking.call(booking.stub.ResumeParked, request, timeout_s=TIMEOUT_S)).booking_ids
        resumed += len(taken)
        if booking_ids or not taken:
            break
    sys.stdout.write(f"{resumed} resumed\n")
    return 0
