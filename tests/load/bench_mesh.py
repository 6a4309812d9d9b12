"""What encryption, authorization and auth's word add to the CPU of a call: off and strict, in turns, in one run.

    python -m tests.load.bench_mesh [--rounds 30] [--calls 400]

Each server is a process of its own, one in the clear and one strict; the caller is this one. The CPU of a call is that
of both ends together. Prints, for each kind of call, the median of the rounds' ratios and its quartiles. `batch` is
what an order costs most of: booking asks ticket for the seats of twenty orders. `person` is a question of the
gateway's for a buyer, with auth's word. `small` is a call of a few bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import multiprocessing
import os
import resource
import signal
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import structlog
import uvloop

from protos.gen import booking_pb2, booking_pb2_grpc, money_pb2, ticket_pb2, ticket_pb2_grpc
from services.kit import pki
from services.kit.clock import utc_now
from services.kit.ids import new_id
from services.kit.rpc.channels import mesh_url
from services.kit.rpc.client import Peer
from services.kit.rpc.identity import Mode, Security, identity_in
from services.kit.rpc.persons import persons_of, speaking
from services.kit.rpc.policy import Policy
from services.kit.rpc.server import RpcServer
from services.kit.topology import topology
from tests.ports import free_port
from tests.twins.vouching import Voucher

MODES: Final[tuple[Mode, ...]] = ("off", "strict")
AT_ONCE: Final = 16
ORDERS: Final = 20
LASTS: Final = timedelta(hours=1)
BUYER: Final = new_id()


class Ticket(ticket_pb2_grpc.TicketServiceServicer):
    async def ReserveSeatsBatch(self, request: Any, context: Any) -> ticket_pb2.ReserveSeatsBatchResponse:
        reply = ticket_pb2.ReserveSeatsBatchResponse()
        for one in request.requests:
            hold = reply.outcomes.add().hold
            hold.total.minor, hold.total.currency = 9_800, "EUR"
            for seat in one.seat_ids:
                price = money_pb2.Money(minor=4_900, currency="EUR")
                hold.places.add(seat_id=seat, section_id="A", label=f"Block A, row 1, {seat}", price=price)
        return reply

    async def GetTicketKeys(self, request: Any, context: Any) -> ticket_pb2.GetTicketKeysResponse:
        return ticket_pb2.GetTicketKeysResponse(jwks_json="{}")


class Booking(booking_pb2_grpc.BookingServiceServicer):
    async def GetBooking(self, request: Any, context: Any) -> booking_pb2.GetBookingResponse:
        booking = booking_pb2.Booking(booking_id=request.booking_id, user_id=request.user_id, event_id=BUYER)
        for seat in ("A-1-1", "A-1-2"):
            booking.tickets.add(ticket_id=new_id(), qr_payload="x" * 220).place.seat_id = seat
        return booking_pb2.GetBookingResponse(booking=booking)


def _ticket(server: Any) -> None:
    ticket_pb2_grpc.add_TicketServiceServicer_to_server(Ticket(), server)  # type: ignore[abstract]  # what is asked


def _booking(server: Any) -> None:
    booking_pb2_grpc.add_BookingServiceServicer_to_server(Booking(), server)  # type: ignore[abstract]  # what is asked


REGISTER: Final = {"ticket": ("ticket.TicketService", _ticket), "booking": ("booking.BookingService", _booking)}


@dataclass(frozen=True)
class Place:
    """A server: what it serves, how, and where."""

    service: str
    mode: Mode
    port: int
    home: Path
    auth: Voucher

    def security(self, who: str) -> Security:
        return Security(self.mode, self.home / who, service=who)


def as_in_service() -> None:
    """Debug lines cost what they cost a service: nothing."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("info"))


def serve(place: Place, link: Connection, jwks: str) -> None:
    as_in_service()

    async def until_told() -> None:
        security = place.security(place.service)

        async def keys() -> Any:
            return SimpleNamespace(jwks_json=jwks)

        server = RpcServer(
            f"127.0.0.1:{place.port}",
            [REGISTER[place.service]],
            policy=Policy(security, topology().services[place.service].granted, reflection=False),
            persons=persons_of(security, keys),
        )
        if place.mode != "off":
            address = mesh_url(place.service, f"127.0.0.1:{place.port}")
            server.listen_securely(address, identity_in(security.folder))
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await server.start()
        await server.set_ready(ready=True)
        link.send(os.getpid())
        await stop.wait()
        await server.stop(0)

    uvloop.run(until_told())


def cpu_s(pid: int) -> float:
    """To a microsecond or so, where the kernel tells."""
    run_ns = Path(f"/proc/{pid}/schedstat")
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / run_ns.name).read_text().split()[0]) for thread in threads) / 1e9


def own_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


type Call = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Side:
    """One way to make one kind of call, and the process at its other end."""

    call: Call
    pid: int

    async def cost_us(self, calls: int) -> float:
        theirs, ours = cpu_s(self.pid), own_cpu_s()
        left = iter(range(calls))

        async def some() -> None:
            for _ in left:
                await self.call()

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        return (cpu_s(self.pid) - theirs + own_cpu_s() - ours) / calls * 1e6


def batch(ticket: Peer[Any]) -> Call:
    request = ticket_pb2.ReserveSeatsBatchRequest(
        requests=[
            ticket_pb2.ReserveSeatsRequest(
                key=new_id(), event_id=BUYER, user_id=new_id(), seat_ids=["A-1-1", "A-1-2"], payment_in_flight=True
            )
            for _ in range(ORDERS)
        ]
    )
    return lambda: ticket.call(ticket.stub.ReserveSeatsBatch, request)


def small(ticket: Peer[Any]) -> Call:
    request = ticket_pb2.GetTicketKeysRequest()
    return lambda: ticket.call(ticket.stub.GetTicketKeys, request)


def person(booking: Peer[Any], word: str) -> Call:
    request = booking_pb2.GetBookingRequest(booking_id=new_id(), user_id=BUYER)

    async def voucher(_: str) -> str:
        return word

    async def call() -> Any:
        with speaking(voucher):
            return await booking.call(booking.stub.GetBooking, request)

    return call


@asynccontextmanager
async def sides(home: Path, auth: Voucher) -> AsyncIterator[dict[str, dict[Mode, Side]]]:
    """Kind of call → mode → how it is made."""
    found: dict[str, dict[Mode, Side]] = {"batch": {}, "person": {}, "small": {}}
    context, jwks = multiprocessing.get_context("spawn"), await auth.jwks()
    async with AsyncExitStack() as stack:
        for mode in MODES:
            for service in ("ticket", "booking"):
                place = Place(service, mode, free_port(), home, auth)
                ours, theirs = context.Pipe()
                child = context.Process(target=_serve_for, args=(service, mode, place.port, home, theirs, jwks))
                child.start()
                stack.callback(child.join)
                stack.callback(child.terminate)
                pid = await asyncio.to_thread(ours.recv)
                callers = ("booking", "gateway") if service == "ticket" else ("gateway",)
                peers = {who: await stack.enter_async_context(_peer(place, who)) for who in callers}
                if service == "ticket":
                    found["batch"][mode] = Side(batch(peers["booking"]), pid)
                    found["small"][mode] = Side(small(peers["gateway"]), pid)
                else:
                    found["person"][mode] = Side(person(peers["gateway"], auth.word(BUYER, at=None)), pid)
        yield found


def _serve_for(service: str, mode: Mode, port: int, home: Path, link: Connection, jwks: str) -> None:
    serve(Place(service, mode, port, home, Voucher()), link, jwks)


def _peer(place: Place, caller: str) -> Peer[Any]:
    stubs: dict[str, Any] = {
        "ticket": ticket_pb2_grpc.TicketServiceStub,
        "booking": booking_pb2_grpc.BookingServiceStub,
    }
    name = f"{place.service}.{place.service.capitalize()}Service"
    stub, security = stubs[place.service], place.security(caller)
    return Peer(place.service, f"localhost:{place.port}", stub, service=name, security=security)


def issue(home: Path) -> None:
    root = pki.new_authority("bench", at=utc_now(), lasts=LASTS)
    for who in ("gateway", "booking", "ticket"):
        leaf = pki.issue(root, Security().spiffe_id(who), [who, "localhost"], at=utc_now(), lasts=LASTS)
        pki.write_identity(home / who, leaf, root.certificate)


async def run(rounds: int, calls: int, profile: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        issue(home)
        async with sides(home, Voucher()) as kinds:
            for kind, of in kinds.items():
                for mode in MODES:
                    await of[mode].cost_us(calls)
                print(_line(kind, [await _round(of, calls, turn) for turn in range(rounds)]), flush=True)
            if profile is not None:
                with cProfile.Profile() as watched:
                    await kinds["person"]["strict"].cost_us(10 * calls)
                watched.dump_stats(profile)


async def _round(of: dict[Mode, Side], calls: int, turn: int) -> tuple[float, float]:
    # In turns, so that a machine that grows warm or busy favours neither.
    order = MODES if turn % 2 else MODES[::-1]
    costs = {mode: await of[mode].cost_us(calls) for mode in order}
    return costs["off"], costs["strict"]


def _line(kind: str, costs: Sequence[tuple[float, float]]) -> str:
    off, strict = (statistics.median(column) for column in zip(*costs, strict=True))
    low, middle, high = statistics.quantiles([after / before for before, after in costs], n=4)
    return (
        f"{kind:7} off {off:6.0f} us  strict {strict:6.0f} us of CPU a call  "
        f"ratio {middle:.3f}  (half of {len(costs)} rounds within {low:.3f} and {high:.3f})"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument(
        "--profile", type=Path, help="where to write what a strict call for a person spends its time on"
    )
    wanted = parser.parse_args()
    as_in_service()
    uvloop.run(run(wanted.rounds, wanted.calls, wanted.profile))
