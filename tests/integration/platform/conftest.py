"""The whole platform as `make run` starts it, once a session, beside whatever else runs on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from services.kit.ids import new_id
from services.local.platform import Platform, platform
from services.local.ports import service_port
from services.local.samples import Sample, load_samples
from tests.ports import use_free_ports
from tests.waiting import until

# A loaded machine starts a batch late; nobody waits longer than he must.
RESULT_S = 45
# Codes that mean another moment, or another instance: going away, service restart, try again later.
COME_BACK = (1001, 1012, 1013)
TIMEOUT = aiohttp.ClientTimeout(total=15)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    log = (tmp_path_factory.mktemp("platform") / "platform.log").open("w")
    # Services speak encrypted with one another; whoever looks from outside, as the reference's commands do, needs not.
    os.environ["MESH_MTLS"] = "permissive"
    try:
        use_free_ports()
        async with platform(lambda name, line: print(f"{name}: {line}", file=log), lambda _: None) as started:
            # Services that other tests run in this process have no identity.
            del os.environ["MESH_MTLS"]
            yield started
    finally:
        os.environ.pop("LOCAL_PORT_OFFSET", None)
        os.environ.pop("MESH_MTLS", None)
        log.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def samples(running: Platform) -> Sequence[Sample]:
    """The arena and the club, once their places can be sold: ticket hears of them a moment after they are published."""
    gateway = running.url("gateway")
    loaded = await load_samples(gateway, running.secrets.organiser_password)
    async with aiohttp.ClientSession(gateway, timeout=TIMEOUT) as session:

        async def on_sale() -> bool:
            for sample in loaded:
                async with session.get(f"/api/v1/events/{sample.event_id}/seats") as response:
                    if response.status != 200:
                        return False
            return True

        await until(on_sale)
    return loaded


@dataclass
class Buyer:
    """Somebody with an account, who talks to the public API alone."""

    session: aiohttp.ClientSession
    gateway: str
    token: str
    email: str
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {"Authorization": f"Bearer {self.token}"}

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.session.get(self.gateway + path, headers=self.headers) as response:
            return response.status, await response.json()

    async def post(self, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        async with self.session.post(self.gateway + path, json=body, headers=self.headers | headers) as response:
            return response.status, await response.json()

    async def book(self, event_id: str, *, method: str = "pm_card_visa", **places: object) -> str:
        """The id of a booking that was put in line."""
        status, placed = await self.post("/api/v1/bookings", {"event_id": event_id, "payment_method": method} | places)
        assert status == 202, placed
        return str(placed["booking"]["id"])


@pytest_asyncio.fixture(loop_scope="session")
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        yield session


@pytest_asyncio.fixture(loop_scope="session")
async def buyer(running: Platform, web: aiohttp.ClientSession) -> Buyer:
    return await new_buyer(running, web)


async def new_buyer(running: Platform, web: aiohttp.ClientSession) -> Buyer:
    email = f"buyer-{new_id()}@example.com"
    who = {"email": email, "password": "a long password", "name": "Ada"}
    async with web.post(f"{running.url('gateway')}/api/v1/auth/register", json=who) as response:
        assert response.status == 201, await response.text()
        token = (await response.json())["tokens"]["access_token"]
    return Buyer(web, running.url("gateway"), token, email)


async def signed_in(running: Platform, web: aiohttp.ClientSession, email: str, password: str) -> Buyer:
    """Somebody who has an account already, such as the organiser of the samples."""
    who = {"email": email, "password": password}
    async with web.post(f"{running.url('gateway')}/api/v1/auth/login", json=who) as response:
        assert response.status == 200, await response.text()
        token = (await response.json())["tokens"]["access_token"]
    return Buyer(web, running.url("gateway"), token, email)


def port(service: str, name: str) -> int:
    return service_port(service, name)


async def result_on_socket(running: Platform, buyer: Buyer, booking_id: str, *, status: str) -> dict[str, Any]:
    """The message that says the booking has that status, also if it was sent before the socket opened.

    A socket that is told to come back does, as a buyer's would.
    """
    url = f"{running.url('realtime', scheme='ws')}/ws?cursor=0-0"
    protocols = ["ticketing.v1", f"bearer.{buyer.token}"]
    async with asyncio.timeout(RESULT_S):
        while True:
            async with buyer.session.ws_connect(url, protocols=protocols) as socket:
                async for message in socket:
                    said = message.json()
                    data = said.get("data") or {}
                    if said["type"] == "booking" and (data["id"], data["status"]) == (booking_id, status):
                        return dict(data)
            assert socket.close_code in COME_BACK, f"closed with {socket.close_code} before the result came"


async def mails_to(running: Platform, buyer: Buyer) -> list[dict[str, Any]]:
    async with buyer.session.get(f"{running.mailbox_url}/api/messages", params={"to": buyer.email}) as response:
        found: list[dict[str, Any]] = await response.json()
        return found
