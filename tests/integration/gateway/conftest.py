"""The gateway as its clients meet it: real HTTP, Valkey and gRPC; the peers behind it are twins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.gateway.app import compose
from services.gateway.settings import GatewaySettings
from services.kit.ids import new_id
from services.kit.process import working
from services.local.stores import Valkey
from tests.ports import free_port
from tests.twins.peers import Peers, running_peers

VENUE = {
    "name": "Arena",
    "city": "Berlin",
    "country": "DE",
    "timezone": "Europe/Berlin",
    "sections": [
        {"id": "A", "name": "Section A", "kind": "seated", "rows": [{"label": "1", "seats": 20}], "tier_id": "best"},
        {"id": "FLOOR", "name": "Floor", "kind": "standing", "capacity": 500, "tier_id": "floor"},
    ],
}
DRAFT = {
    "title": "The Big Night",
    "venue": VENUE,
    "tiers": [
        {"id": "best", "name": "Best seats", "price": {"amount": 9900, "currency": "EUR"}},
        {"id": "floor", "name": "Standing", "price": {"amount": 4500, "currency": "EUR"}},
    ],
    "starts_at": "2040-06-01T18:00:00Z",
    "ends_at": "2040-06-01T22:00:00Z",
}


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any
    headers: Any


@dataclass(frozen=True)
class Gateway:
    """A running gateway, and what stands behind it."""

    url: str
    peers: Peers
    redis: Redis
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, *, token: str = "", **more: Any) -> Reply:
        headers = dict(more.pop("headers", {}))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        async with self.session.request(method, self.url + path, headers=headers, **more) as reply:
            is_json = "json" in reply.headers.get("Content-Type", "")
            body = await (reply.json(content_type=None) if is_json else reply.text())
            return Reply(reply.status, body, reply.headers)

    def buyer(self) -> str:
        return self.peers.issuer.token(new_id(), "buyer")

    def organiser(self) -> str:
        return self.peers.issuer.token(new_id(), "buyer", "organiser")

    async def published(self, **changed: Any) -> str:
        """The id of an event on sale."""
        organiser = self.organiser()
        made = await self.ask("POST", "/api/v1/events", token=organiser, json=DRAFT | changed)
        assert made.status == 201, made.body
        done = await self.ask("POST", f"/api/v1/events/{made.body['id']}/publish", token=organiser)
        assert done.status == 200, done.body
        return str(made.body["id"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey(tmp_path_factory) -> AsyncIterator[Valkey]:
    home: Path = tmp_path_factory.mktemp("gateway")
    async with Valkey(home / "valkey", port=free_port()) as valkey:
        yield valkey


@asynccontextmanager
async def running_gateway(valkey: Valkey, peers: Peers, **more: Any) -> AsyncIterator[Gateway]:
    settings = GatewaySettings(
        **{
            "bind_host": "127.0.0.1",
            "http_port": free_port(),
            "metrics_port": free_port(),
            "redis_host": "127.0.0.1",
            "redis_port": urlsplit(valkey.url).port,
            **peers.settings(),
            **more,
        }
    )
    redis = Redis.from_url(valkey.url)
    async with compose(settings) as app, working(settings, app), aiohttp.ClientSession() as session, redis:
        yield Gateway(f"http://127.0.0.1:{settings.http_port}", peers, redis, session)


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    async with running_peers() as peers:
        yield peers


@pytest.fixture
async def gateway(valkey: Valkey, peers: Peers) -> AsyncIterator[Gateway]:
    async with running_gateway(valkey, peers) as gateway:
        yield gateway
