"""`python -m services timeline <booking id>`: what happened to a booking, for support."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from protos.gen import booking_pb2 as pb
from protos.gen import booking_pb2_grpc
from services.kit.errors import Kind, Told
from services.kit.money import Money
from services.kit.rpc import deadline
from services.kit.rpc.status import PeerFault
from services.local.watching.peers import peer


def main(arguments: Sequence[str]) -> int:
    """0, or 1 when booking does not know it, or 2 when nobody answers."""
    parser = argparse.ArgumentParser(prog="python -m services timeline", description=__doc__)
    parser.add_argument("booking_id")
    parser.add_argument("--json", action="store_true", help="for a program")
    options = parser.parse_args(arguments)
    try:
        told = asyncio.run(_ask(options.booking_id))
    except (Told, PeerFault) as away:
        unknown = isinstance(away, Told) and away.kind is Kind.MISSING
        hint = "; while it waits in line, its owner's timeline at the gateway tells" if unknown else ""
        sys.stderr.write(f"timeline: {away}{hint}\n")
        return 1 if unknown else 2
    sys.stdout.write(_as_json(told) if options.json else _as_lines(told))
    return 0


async def _ask(booking_id: str) -> pb.GetTimelineResponse:
    deadline.begin(None)
    async with peer("booking", booking_pb2_grpc.BookingServiceStub) as booking:
        return await booking.call(booking.stub.GetTimeline, pb.GetTimelineRequest(booking_id=booking_id))


def _as_json(told: pb.GetTimelineResponse) -> str:
    entries = [
        {"at": _at(entry), "code": entry.code, "sentence": entry.sentence} | _more(entry) for entry in told.entries
    ]
    about = {"booking_id": told.booking_id, "status": _status(told), "trace_id": told.trace_id}
    return json.dumps(about | {"entries": entries}, indent=2) + "\n"


def _as_lines(told: pb.GetTimelineResponse) -> str:
    lines = [f"booking {told.booking_id}: {_status(told)}", f"trace {told.trace_id or 'unknown'}"]
    for entry in told.entries:
        more = ", ".join(f"{name} {value}" for name, value in _more(entry).items())
        lines.append(f"{_at(entry)}  {entry.code:17}  {entry.sentence}{f' ({more})' if more else ''}")
    return "\n".join(lines) + "\n"


def _status(told: pb.GetTimelineResponse) -> str:
    return pb.BookingStatus.Name(told.status).lower()


def _at(entry: pb.TimelineEntry) -> str:
    return entry.at.ToDatetime(UTC).isoformat(timespec="milliseconds")


def _more(entry: pb.TimelineEntry) -> dict[str, Any]:
    """What an entry says beyond its sentence."""
    said: dict[str, Any] = {name: getattr(entry, name) for name in ("number", "reason", "about", "attempt")}
    if entry.HasField("amount"):
        said["amount"] = str(Money(entry.amount.minor, entry.amount.currency))
    if entry.HasField("until"):
        said["until"] = entry.until.ToDatetime(UTC).isoformat(timespec="seconds")
    return {name: value for name, value in said.items() if value}
