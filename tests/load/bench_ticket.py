"""What a booking costs in ticket: reserve and confirm in batches, over real PostgreSQL, wire included, network not.

    python -m tests.load.bench_ticket [bookings] [batch] [profile]

Prints bookings/s and the CPU of this process and of PostgreSQL a booking. `profile`: also where this process spent it.
"""

from __future__ import annotations

import asyncio
import cProfile
import os
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import uvloop
from sqlalchemy import text

from protos.gen import ticket_pb2 as pb
from services.kit.clock import utc_now
from services.kit.database.engine import open_engine, transaction
from services.kit.database.migrate import migrate
from services.kit.ids import new_id
from services.local.stores import Postgres, create_schemas
from services.ticket.handlers import TicketHandlers
from services.ticket.reading import TicketReads
from services.ticket.repository.books import PostgresBooks
from services.ticket.repository.keys import PostgresKeys
from services.ticket.repository.store import PostgresStore
from services.ticket.servicer import TicketServicer
from services.ticket.settings import TicketSettings
from services.ticket.signing import TicketSigner
from services.ticket.snapshots import Snapshots
from services.ticket.watch import InventoryWatch
from tests.ports import free_port
from tests.twins.ticket_events import hall

ROWS = {f"R{number}": 100 for number in range(1000)}
NOBODY = cast("Any", None)


async def main(bookings: int, batch: int, *, profile: bool) -> None:
    password = secrets.token_hex(8)
    with tempfile.TemporaryDirectory() as home:
        async with Postgres(Path(home) / "postgres", port=free_port()) as postgres:
            await create_schemas(postgres.admin_dsn, {"ticket": password})
            settings = TicketSettings(
                postgres_host="127.0.0.1", postgres_port=postgres.port, postgres_password=password
            )
            await asyncio.to_thread(migrate, settings)
            measured = measure(settings, Path(home) / "postgres", bookings, batch, profile=profile)
            # The stores are children of a plain event loop; a service runs on uvloop.
            await asyncio.to_thread(uvloop.run, measured)


async def measure(settings: TicketSettings, home: Path, bookings: int, batch: int, *, profile: bool) -> None:
    engine = open_engine(settings)
    store = PostgresStore(engine)
    signer = TicketSigner(PostgresKeys(engine), secrets.token_bytes(32))
    handlers = TicketHandlers(store, signer, lambda: None, hold_lasts=timedelta(minutes=8))
    snapshots = Snapshots(store, time.monotonic)
    books = PostgresBooks(engine)
    reads = TicketReads(store, snapshots, signer, books)
    servicer = TicketServicer(handlers, reads, InventoryWatch(books, handlers, utc_now))
    layout = hall(rows=ROWS, max_per_booking=10)
    began = time.perf_counter()
    await handlers.events_changed({new_id(): layout}, {})
    print(f"loading {sum(ROWS.values())} seats: {time.perf_counter() - began:.2f} s")

    event_id = layout.event.event_id
    batches = list(orders(event_id, bookings, batch))
    profiler = cProfile.Profile()
    for name, many in (("named seats", batches[::2]), ("best available", batches[1::2])):
        requests = [one if name == "named seats" else by_number(one) for one in many]
        if profile:
            profiler.enable()
        await run(servicer, requests, name, home)
        profiler.disable()
    began = time.perf_counter()
    await snapshots.get(event_id)
    print(f"snapshot of all seats: {1000 * (time.perf_counter() - began):.0f} ms")
    began = time.perf_counter()
    wrong = await books.contradictions(event_id)
    print(f"contradictions: {len(wrong)}, looked for in {1000 * (time.perf_counter() - began):.0f} ms")
    async with transaction(engine) as tx:
        sold = await tx.scalar(text("SELECT count(*) FROM seats WHERE state = 's'"))
    print(f"sold seats: {sold}")
    await engine.dispose()
    if profile:
        profiler.print_stats("tottime")


def orders(event_id: str, bookings: int, batch: int) -> Iterator[pb.ReserveSeatsBatchRequest]:
    """Every seat at most once, 1 to 4 neighbours in an order, buyers all over the hall."""
    rows = list(ROWS.items())
    random.shuffle(rows)
    free = [(row, number) for row, seats in rows for number in range(seats, 0, -1)]
    for _ in range(bookings // batch):
        made = []
        for _ in range(batch):
            chosen = [free.pop() for _ in range(random.randint(1, 4))]
            seat_ids = [f"A-{row}-{number}" for row, number in chosen]
            request = pb.ReserveSeatsRequest(key=new_id(), event_id=event_id, user_id=new_id(), seat_ids=seat_ids)
            request.payment_in_flight = True
            made.append(request)
        yield pb.ReserveSeatsBatchRequest(requests=made)


def by_number(batch: pb.ReserveSeatsBatchRequest) -> pb.ReserveSeatsBatchRequest:
    for request in batch.requests:
        request.quantities.add(section_id="A", quantity=len(request.seat_ids))
        del request.seat_ids[:]
    return batch


async def run(servicer: TicketServicer, batches: Sequence[pb.ReserveSeatsBatchRequest], name: str, home: Path) -> None:
    bookings = sum(len(batch.requests) for batch in batches)
    wire = [batch.SerializeToString() for batch in batches]
    ours, theirs, began = time.process_time(), postgres_cpu_s(home), time.perf_counter()
    refused = 0
    for batch in wire:
        request = pb.ReserveSeatsBatchRequest.FromString(batch)
        held = await servicer.ReserveSeatsBatch(request, NOBODY)
        refused += sum(one.HasField("refused") for one in held.outcomes)
        held.SerializeToString()
        sales = [
            pb.ConfirmSeatsRequest(key=one.key, booking_id=one.key, user_id=one.user_id) for one in request.requests
        ]
        sold = await servicer.ConfirmSeatsBatch(pb.ConfirmSeatsBatchRequest(requests=sales), NOBODY)
        refused += sum(one.HasField("refused") for one in sold.outcomes)
        sold.SerializeToString()
    took_s = time.perf_counter() - began
    python_us = 1e6 * (time.process_time() - ours) / bookings
    postgres_us = 1e6 * (postgres_cpu_s(home) - theirs) / bookings
    print(
        f"{name}: {bookings} bookings, {refused} refused, {bookings / took_s:.0f} bookings/s, "
        f"CPU a booking: python {python_us:.0f} us, postgres {postgres_us:.0f} us"
    )


def postgres_cpu_s(home: Path) -> float:
    """CPU of the server's processes; those that ended count through their parent."""
    pid = (home / "cluster" / "postmaster.pid") if (home / "cluster").exists() else next(home.rglob("postmaster.pid"))
    parent = pid.read_text().split()[0]
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            of, rest = stat.parent.name, stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if of == parent:
            ticks += sum(map(int, rest[11:15]))
        elif rest[1] == parent:
            ticks += sum(map(int, rest[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    bookings = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    batch = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    asyncio.run(main(bookings, batch, profile="profile" in sys.argv[3:]))
