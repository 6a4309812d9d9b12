"""How many orders a second one gateway process takes: closed-loop clients in another process, peers in a third.

    python -m tests.load.bench_gateway [orders] [clients]

Prints orders/s, the gateway's CPU per order and orders per second of CPU (= per core), and latencies.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import uvloop

from services.gateway.app import compose
from services.gateway.settings import GatewaySettings
from services.kit.exporting import exporting
from services.kit.ids import new_id
from services.kit.logs import configure_logs
from services.kit.process import working
from services.local.stores import Valkey
from tests.integration.gateway.conftest import DRAFT
from tests.ports import free_port
from tests.twins.peers import running_peers

PEERS = ("auth", "event", "ticket", "booking", "payment", "user")


def gateway(settings: dict[str, object]) -> None:
    """The process that is measured."""

    async def serve() -> None:
        made = GatewaySettings(**settings)
        configure_logs(made)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        async with exporting(made), compose(made) as app, working(made, app):
            await stop.wait()

    uvloop.run(serve())


def peers(port: int, link: Connection, buyers: int) -> None:
    """The twins, and what the clients need from them: an event on sale and tokens."""

    async def serve() -> None:
        async with running_peers(port) as twins:
            organiser = new_id()
            link.send(
                (twins.issuer.token(organiser, "organiser"), [twins.issuer.token(new_id()) for _ in range(buyers)])
            )
            await asyncio.Event().wait()

    asyncio.run(serve())


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, body: bytes
) -> tuple[int, bytes]:
    """One request on a kept connection, at next to no cost: the gateway is what is measured."""
    writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    top = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[16:]) for line in top.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return int(top[9:12]), await reader.readexactly(length)


def head(method: str, path: str, token: str) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\n"
    ).encode()


async def event_on_sale(port: int, organiser: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    _, made = await ask(reader, writer, head("POST", "/api/v1/events", organiser), msgspec.json.encode(DRAFT))
    event_id = str(msgspec.json.decode(made)["id"])
    await ask(reader, writer, head("POST", f"/api/v1/events/{event_id}/publish", organiser), b"")
    writer.close()
    return event_id


async def buy(port: int, token: str, event_id: str, orders: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = msgspec.json.encode({"event_id": event_id, "seats": ["A-1-1", "A-1-2"], "payment_method": "pm_card_visa"})
    took = []
    for _ in range(orders):
        began = time.perf_counter()
        key = b"Idempotency-Key: %s\r\n" % new_id().encode()
        status, reply = await ask(reader, writer, head("POST", "/api/v1/bookings", token) + key, body)
        if status != 202:
            raise RuntimeError(reply)
        took.append(time.perf_counter() - began)
    writer.close()
    return took


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def until_listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


async def measure(pid: int, port: int, buyers: list[str], organiser: str, orders: int) -> None:
    await until_listening(port)
    event_id = await event_on_sale(port, organiser)
    await asyncio.gather(*(buy(port, token, event_id, 5) for token in buyers))
    before, began = cpu_s(pid), time.perf_counter()
    took = await asyncio.gather(*(buy(port, token, event_id, orders // len(buyers)) for token in buyers))
    wall, cpu = time.perf_counter() - began, cpu_s(pid) - before
    latencies = sorted(one for each in took for one in each)
    done = len(latencies)
    p99 = latencies[int(done * 0.99)]
    print(f"orders {done}  orders/s {done / wall:.0f}  orders/s per core {done / cpu:.0f}")
    print(f"cpu of the gateway per order {cpu / done * 1e6:.0f} us")
    print(f"p50 {statistics.median(latencies) * 1000:.1f} ms  p99 {p99 * 1000:.1f} ms")


async def main(orders: int, clients: int) -> None:
    context = multiprocessing.get_context("spawn")
    home = Path(tempfile.mkdtemp())
    async with Valkey(home, port=free_port()) as valkey:
        peer_port, http_port = free_port(), free_port()
        ours, theirs = context.Pipe()
        settings: dict[str, object] = {
            "bind_host": "127.0.0.1",
            "http_port": http_port,
            "metrics_port": free_port(),
            "redis_host": "127.0.0.1",
            "redis_port": urlsplit(valkey.url).port,
            "rate_limit_user_per_min": 0,
            "rate_limit_bookings_per_min": 0,
            "rate_limit_address_per_min": 0,
            **{f"{name}_service_url": f"127.0.0.1:{peer_port}" for name in PEERS},
        }
        twins = context.Process(target=peers, args=(peer_port, theirs, clients), daemon=True)
        door = context.Process(target=gateway, args=(settings,), daemon=True)
        twins.start()
        organiser, buyers = await asyncio.to_thread(ours.recv)
        door.start()
        assert door.pid is not None
        try:
            await measure(door.pid, http_port, buyers, organiser, orders)
        finally:
            door.terminate()
            twins.terminate()


if __name__ == "__main__":
    asyncio.run(main(*(int(word) for word in (*sys.argv[1:], "20000", "64")[:2])))
