"""People who look at an event and buy nothing: a socket each, without an account, open for as long as they like."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import aiohttp

from tests.load.sale.crowds import each
from tests.load.sale.sockets import PROTOCOL, READY_S

AT_ONCE = 32


class Guests:
    def __init__(self, realtime: str) -> None:
        self._realtime = realtime
        self._stay = AsyncExitStack()
        self._listening: list[asyncio.Task[None]] = []

    async def come(self, count: int) -> None:
        http = await self._stay.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))

        async def connect(_: int) -> None:
            socket = await self._stay.enter_async_context(http.ws_connect(self._realtime, protocols=(PROTOCOL,)))
            await socket.send_str('{"type":"guest"}')
            first = await socket.receive_json(timeout=READY_S)
            assert first["type"] == "ready", first
            self._listening.append(asyncio.create_task(_listen(socket), name="guest"))

        await each(range(count), connect, at_once=AT_ONCE)

    async def leave(self) -> None:
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        await self._stay.aclose()


async def _listen(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Whoever does not read is taken for gone."""
    async for _ in socket:
        pass
