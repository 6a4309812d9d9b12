"""`python -m services invariants`: every service looks at itself once; a table, and 1 when anything is violated."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from protos.gen import (
    booking_pb2_grpc,
    invariants_pb2,
    payment_pb2_grpc,
    ticket_pb2_grpc,
)
from services.kit.errors import Told
from services.kit.rpc import deadline
from services.kit.rpc.status import PeerFault
from services.local.watching.peers import address_of, fields_of, peer

# Who answers for what; a look at all bookings of a week may take a while.
STUBS: Final = {
    "ticket": ticket_pb2_grpc.TicketServiceStub,
    "payment": payment_pb2_grpc.PaymentServiceStub,
    "booking": booking_pb2_grpc.BookingServiceStub,
}
VIOLATED: Final = 1
NOT_LOOKED: Final = 2

type Answers = dict[str, invariants_pb2.CheckInvariantsResponse]


def main(arguments: Sequence[str]) -> int:
    """0: all hold. 1: some do not. 2: somebody did not answer, so nobody knows."""
    options = _parser().parse_args(arguments)
    try:
        answers = asyncio.run(ask_all(grace_s=options.grace, window_s=options.window, timeout_s=options.timeout))
    except (Told, PeerFault) as away:
        sys.stderr.write(f"invariants: {away}\n")
        return NOT_LOOKED
    if options.json:
        sys.stdout.write(json.dumps(_as_json(answers), indent=2) + "\n")
    else:
        sys.stdout.write(_as_table(answers))
    return VIOLATED if violations(answers) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services invariants", description=__doc__)
    parser.add_argument("--json", action="store_true", help="everything that was told, for a program")
    parser.add_argument(
        "--grace", type=int, default=0, metavar="S", help="how old a contradiction must be; by default as services do"
    )
    parser.add_argument(
        "--window", type=int, default=0, metavar="S", help="how far back to look; by default as services do"
    )
    parser.add_argument("--timeout", type=float, default=60.0, metavar="S", help="how long a service may look")
    return parser


async def ask_all(*, grace_s: int = 0, window_s: int = 0, timeout_s: float = 60.0) -> Answers:
    """What every service finds; 0 leaves a bound to it. Raises Told or PeerFault when one does not answer."""
    deadline.begin(None)
    request = invariants_pb2.CheckInvariantsRequest(grace_s=max(grace_s, 0), window_s=max(window_s, 0))

    async def ask(name: str, stub: Any) -> invariants_pb2.CheckInvariantsResponse:
        async with peer(name, stub) as service:
            reply: invariants_pb2.CheckInvariantsResponse = await service.call(
                service.stub.CheckInvariants, request, timeout_s=timeout_s
            )
            return reply

    replies = await asyncio.gather(*(ask(name, stub) for name, stub in STUBS.items()))
    return dict(zip(STUBS, replies, strict=True))


def violations(answers: Answers) -> int:
    return sum(one.violations for answer in answers.values() for one in answer.invariants)


def _as_json(answers: Answers) -> dict[str, Any]:
    return {
        "violations": violations(answers),
        "services": {
            name: {
                "address": address_of(name),
                "left_out": answer.left_out,
                "invariants": [
                    fields_of(one, "name", "promise", "looked_at", "violations", "oldest_s")
                    | {"examples": [fields_of(example, "subject", "what", "age_s") for example in one.examples]}
                    for one in answer.invariants
                ],
                "repairs": [fields_of(one, "rule", "subject", "found", "done", "ended_at") for one in answer.repairs],
            }
            for name, answer in answers.items()
        },
    }


def _as_table(answers: Answers) -> str:
    rows = [("", "invariant", "looked at", "violated", "oldest")]
    for name, answer in answers.items():
        for one in answer.invariants:
            oldest = f"{one.oldest_s:.0f} s" if one.violations else ""
            rows.append((name, one.name, str(one.looked_at), str(one.violations), oldest))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for name, answer in answers.items():
        lines += [f"! {name} left out: {answer.left_out}"] if answer.left_out else []
        for one in answer.invariants:
            lines += [f"! {one.name}: {example.subject}: {example.what}" for example in one.examples]
        lines += [f"  repaired: {one.rule}: {one.subject}: {one.done}" for one in answer.repairs]
    count = violations(answers)
    lines.append(f"{count} violations" if count else "all hold")
    return "\n".join(lines) + "\n"
