"""The public API's client, where a sale outlasts a token."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from tests.load.sale.api import Member, PublicApi, Refused
from tests.ports import free_port


class Door:
    """Knows one access token and one refresh token; the latter works once."""

    def __init__(self) -> None:
        self.access, self.refresh, self.asked = "second", "first", 0

    async def bookings(self, request: web.Request) -> web.Response:
        self.asked += 1
        if request.headers["Authorization"] != f"Bearer {self.access}":
            return web.json_response({"reason": "token-expired", "detail": "refresh it"}, status=401)
        return web.json_response({"items": [], "next_cursor": None})

    async def renew(self, request: web.Request) -> web.Response:
        if (await request.json())["refresh_token"] != self.refresh:
            return web.json_response({"reason": "token-reused"}, status=401)
        self.refresh = "second"
        return web.json_response({"tokens": {"access_token": self.access, "refresh_token": self.refresh}})


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
async def api(door: Door) -> AsyncIterator[PublicApi]:
    host, port = web.Application(), free_port()
    host.add_routes([web.get("/api/v1/bookings", door.bookings), web.post("/api/v1/auth/refresh", door.renew)])
    runner = web.AppRunner(host)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with aiohttp.ClientSession() as http:
        yield PublicApi(http, f"http://127.0.0.1:{port}", tries=1)
    await runner.cleanup()


async def test_a_token_that_expired_is_renewed_and_the_request_sent_again(api: PublicApi, door: Door) -> None:
    buyer = Member("u1", "expired", "first")

    assert await api.bookings(buyer) == []

    assert (buyer.token, buyer.refresh_token, door.asked) == ("second", "second", 2)


async def test_whoever_can_not_be_renewed_is_told_so(api: PublicApi) -> None:
    with pytest.raises(Refused, match="token-reused"):
        await api.bookings(Member("u1", "expired", "stolen"))
