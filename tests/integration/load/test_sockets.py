"""A buyer's socket on a platform that hangs up at bad moments."""

from __future__ import annotations

import aiohttp
from aiohttp import web

from tests.load.sale.api import Member
from tests.load.sale.sockets import BuyerSocket
from tests.ports import free_port

READY = '{"type": "ready", "id": "", "data": {"cursor": "7-0"}}'


async def test_a_socket_that_is_cut_off_before_its_first_message_is_opened_again() -> None:
    calls = 0

    async def serve(request: web.Request) -> web.WebSocketResponse:
        nonlocal calls
        calls += 1
        socket = web.WebSocketResponse(protocols=["ticketing.v1"])
        await socket.prepare(request)
        if calls == 1 and request.transport is not None:
            request.transport.abort()
        elif calls == 2:
            await socket.close()
        else:
            await socket.send_str(READY)
            await socket.receive()
        return socket

    app, port = web.Application(), free_port()
    app.add_routes([web.get("/ws", serve)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        async with aiohttp.ClientSession() as http:
            socket = BuyerSocket(http, f"http://127.0.0.1:{port}/ws", Member("u1", "token"), tries=5)
            await socket.open()
            await socket.close()
    finally:
        await runner.cleanup()

    assert calls == 3
