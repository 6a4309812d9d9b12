"""The gateway before the real services: the calls mean on both sides what the contracts say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from services.auth.app import compose as compose_auth
from services.auth.settings import AuthSettings
from services.event.app import compose as compose_event
from services.event.settings import EventSettings
from services.gateway.app import compose
from services.gateway.settings import GatewaySettings
from services.kit.ids import new_id
from services.ticket.app import compose as compose_ticket
from services.ticket.settings import TicketSettings
from services.user.app import compose as compose_user
from services.user.settings import UserSettings
from tests.conftest import AUTH_KEY_SECRET, Stores
from tests.integration.gateway.conftest import DRAFT
from tests.running import running


class Api:
    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session
        self.token = ""

    async def sees(self, peers: Iterable[str]) -> bool:
        """Whether all of these answer, as the gateway's health page has it."""
        _, health = await self.ask("GET", "/health")
        return all(health["components"][peer]["status"] == "UP" for peer in peers)

    async def ask(self, method: str, path: str, json: object = None) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self._session.request(method, self._url + path, json=json, headers=headers) as reply:
            return reply.status, await reply.json(content_type=None)


@pytest.fixture
async def api(stores: Stores) -> AsyncIterator[Api]:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        auth = await enter(
            running(AuthSettings, compose_auth, stores, auth_key_secret=AUTH_KEY_SECRET, auth_key_lead_s=0)
        )
        user = await enter(running(UserSettings, compose_user, stores))
        event = await enter(running(EventSettings, compose_event, stores))
        ticket = await enter(running(TicketSettings, compose_ticket, stores))
        ports = {"auth": auth.grpc_port, "user": user.grpc_port, "event": event.grpc_port, "ticket": ticket.grpc_port}
        urls = {f"{name}_service_url": f"127.0.0.1:{port}" for name, port in ports.items()}
        gateway = await enter(running(GatewaySettings, compose, stores, **urls))
        session = await enter(aiohttp.ClientSession())
        api = Api(f"http://127.0.0.1:{gateway.http_port}", session)
        async with asyncio.timeout(30):
            while not await api.sees(ports):  # noqa: ASYNC110 - they become ready in their own time
                await asyncio.sleep(0.1)
        yield api


async def test_an_organiser_puts_an_event_on_sale_and_it_is_ordered(api: Api) -> None:
    account = {"email": f"{new_id()}@example.com", "password": "correct horse battery", "name": "Ada"}
    status, session = await api.ask("POST", "/api/v1/auth/register", account | {"role": "organiser"})
    assert status == 201, session
    api.token = session["tokens"]["access_token"]
    status, me = await api.ask("GET", "/api/v1/users/me")
    assert (status, me["name"]) == (200, "Ada"), me

    status, event = await api.ask("POST", "/api/v1/events", DRAFT)
    assert status == 201, event
    path = f"/api/v1/events/{event['id']}"
    status, published = await api.ask("POST", f"{path}/publish")
    assert (status, published["status"]) == (200, "published"), published

    async with asyncio.timeout(30):
        while (await api.ask("GET", f"{path}/seats"))[0] != 200:  # noqa: ASYNC110 - the inventory comes through Kafka
            await asyncio.sleep(0.1)
    _, seats = await api.ask("GET", f"{path}/seats")
    assert [(one["id"], one["free"]) for one in seats["sections"]] == [("A", 20), ("FLOOR", 500)]
    assert seats["sections"][0]["seats"][11] == {"id": "A-1-12", "row": "1", "number": 12, "state": "free"}
    _, pricing = await api.ask("GET", f"{path}/pricing")
    assert {one["section_id"]: one["tier_id"] for one in pricing["sections"]} == {"A": "best", "FLOOR": "floor"}
    status, keys = await api.ask("GET", "/.well-known/jwks.json")
    assert (status, {key["kty"] for key in keys["keys"]}) == (200, {"OKP"})

    status, placed = await api.ask("POST", "/api/v1/bookings", {"event_id": event["id"], "seats": ["A-1-12"]})
    assert (status, placed["booking"]["status"]) == (202, "queued"), placed


async def test_the_real_services_refuse_with_reasons_the_gateway_explains(api: Api) -> None:
    buyer = {"email": f"{new_id()}@example.com", "password": "short", "name": "Bob"}

    weak = await api.ask("POST", "/api/v1/auth/register", buyer)
    wrong = await api.ask("POST", "/api/v1/auth/login", {"email": buyer["email"], "password": "not the password"})
    missing = await api.ask("GET", f"/api/v1/events/{new_id()}")
    cursor = await api.ask("GET", "/api/v1/events?cursor=nonsense")

    assert (weak[0], weak[1]["reason"]) == (422, "weak-password")
    assert (wrong[0], wrong[1]["reason"]) == (401, "wrong-credentials")
    assert (missing[0], missing[1]["reason"]) == (404, "unknown-event")
    assert (cursor[0], cursor[1]["reason"]) == (422, "bad-page-token")
