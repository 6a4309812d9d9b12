"""A DNS server with one name, whose addresses come and go as pods do."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

A_RECORD = 1
TTL_S = 1


class Names(asyncio.DatagramProtocol):
    """Answers every question for an A record with `addresses`, whatever the name (RFC 1035)."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question_end = data.index(b"\0", 12) + 5
        (kind,) = struct.unpack(">H", data[question_end - 4 : question_end - 2])
        found = self.addresses if kind == A_RECORD else []
        header = data[:2] + struct.pack(">HHHHH", 0x8580, 1, len(found), 0, 0)
        answers = b"".join(
            struct.pack(">HHHLH", 0xC00C, A_RECORD, 1, TTL_S, 4) + socket.inet_aton(address) for address in found
        )
        self._transport.sendto(header + data[12:question_end] + answers, addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def serving_names(*addresses: str) -> AsyncIterator[tuple[Names, str]]:
    """The server, and the `dns://<server>/` that asks it."""
    names = Names(list(addresses))
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: names, local_addr=("127.0.0.1", 0))
    try:
        port = transport.get_extra_info("sockname")[1]
        yield names, f"dns://127.0.0.1:{port}/"
    finally:
        transport.close()
