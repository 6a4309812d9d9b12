"""However many watch an event, its seats are looked up a few times a second: watchers cost messages, never queries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from services.local.platform import Platform
from services.local.samples import Sample
from services.local.watching.pages import default_pages, texts_of
from tests.integration.platform.conftest import Buyer

pytestmark = pytest.mark.asyncio(loop_scope="session")
WATCHERS = 400
# The gateway keeps a snapshot for half a second.
LOOKS_PER_S = 2
SEAT = "S9-1-1"
HEARS_S = 30


@pytest_asyncio.fixture(loop_scope="session")
async def crowd() -> AsyncIterator[aiohttp.ClientSession]:
    everybody = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=everybody, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


async def test_a_crowd_that_watches_and_looks_costs_ticket_two_looks_a_second(
    running: Platform, crowd: aiohttp.ClientSession, buyer: Buyer, samples: Sequence[Sample]
) -> None:
    event_id = samples[0].event_id
    seats = f"{running.url('gateway')}/api/v1/events/{event_id}/seats"

    async def look() -> int:
        async with crowd.get(seats) as response:
            await response.read()
            return response.status

    async with AsyncExitStack() as stack:
        sockets = await asyncio.gather(*(watching(running, crowd, stack, event_id) for _ in range(WATCHERS)))
        before, began = await looks_at_ticket(), time.monotonic()
        first = await asyncio.gather(*(look() for _ in range(WATCHERS)))
        await buyer.book(event_id, seats=[SEAT])
        await asyncio.gather(*(hears_of(socket, SEAT) for socket in sockets))
        again = await asyncio.gather(*(look() for _ in range(WATCHERS)))
        took_s, looks = time.monotonic() - began, await looks_at_ticket() - before

    assert set(first) | set(again) == {200}
    assert 0 < looks <= LOOKS_PER_S * took_s + 1, f"{looks} looks in {took_s:.1f} s for {2 * WATCHERS} who asked"


async def watching(
    running: Platform, crowd: aiohttp.ClientSession, stack: AsyncExitStack, event_id: str
) -> aiohttp.ClientWebSocketResponse:
    """A guest's socket in the event's room."""
    socket = await stack.enter_async_context(crowd.ws_connect(f"{running.url('realtime', scheme='ws')}/ws"))
    await socket.send_json({"type": "guest"})
    assert (await socket.receive_json(timeout=HEARS_S))["type"] == "ready"
    await socket.send_json({"type": "join", "room": f"event:{event_id}"})
    await socket.send_json({"type": "ping"})
    while (await socket.receive_json(timeout=HEARS_S))["type"] != "pong":
        pass
    return socket


async def hears_of(socket: aiohttp.ClientWebSocketResponse, seat: str) -> None:
    async with asyncio.timeout(HEARS_S):
        async for message in socket:
            if f'"{seat}"' in message.data:
                return
    raise AssertionError(f"closed with {socket.close_code} before the seat was told of")


async def looks_at_ticket() -> float:
    """How often ticket was asked which seats are free."""
    [(_, page)] = await texts_of({"ticket": default_pages()["ticket"]})
    assert page is not None
    return sum(
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "rpc_server_handled_total" and sample.labels["method"].endswith("GetAvailability")
    )
