"""A real API server for a session, and the operator's loop against it, one pass at a time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from kubernetes.aio.client import ApiClient, Configuration
from ticketing_operator import crd
from ticketing_operator.charts import Renderer
from ticketing_operator.children import Children
from ticketing_operator.cluster import Cluster, list_all
from ticketing_operator.handlers import WATCHED
from ticketing_operator.kinds import Access
from ticketing_operator.names import API_VERSION, KIND, Object, PlatformKey
from ticketing_operator.reconcile import Reconciler
from ticketing_operator.rendering import Rendering
from ticketing_operator.run import reconciler
from ticketing_operator.settings import REPOSITORY, OperatorSettings
from ticketing_operator.status import Verdict
from ticketing_operator.transport import APPLY, ApiTransport, Request, Transport, Unanswered

from services.kit.clock import utc_now
from tests.cluster.api_server import ApiServer, api_server
from tests.cluster.controllers import Controllers
from tests.cluster.operator.definitions import define, defined, stand_ins
from tests.twins.helm_sdk import HelmLibrary

WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("api")) as running:
        yield running


class CachedRenderer:
    """The same values are rendered once a session: the passes of a hundred tests ask for the same thing."""

    def __init__(self, inner: Renderer) -> None:
        self._inner, self._known = inner, dict[str, list[Object]]()

    async def render(self, chart: str, values: Any, *, name: str, namespace: str) -> list[Object]:
        mark = repr((chart, values, name, namespace))
        if mark not in self._known:
            self._known[mark] = await self._inner.render(chart, values, name=name, namespace=namespace)
        return self._known[mark]


RENDERER = CachedRenderer(HelmLibrary(REPOSITORY / "charts"))


@dataclass
class Recording:
    """Lets requests through, keeps them, and fails the one it was told to."""

    inner: Transport
    sent: list[Request] = field(default_factory=list)
    failed: list[Request] = field(default_factory=list)
    # Number of the request that fails, from 1; it is done all the same when `after`.
    fail_at: int = 0
    after: bool = False

    def fail(self, number: int) -> None:
        """The so-manieth request from now."""
        self.fail_at = len(self.sent) + number

    async def send(self, request: Request) -> dict[str, Any]:
        self.sent.append(request)
        fails = len(self.sent) == self.fail_at
        if fails:
            self.failed.append(request)
        if fails and not self.after:
            raise Unanswered("broken before it was sent")
        answer = await self.inner.send(request)
        if fails:
            raise Unanswered("broken before it was answered")
        return answer

    @property
    def writes(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.sent if request.method in WRITES]


@dataclass
class World:
    """A namespace with one platform in it, an administrator, and as many operators as a test starts."""

    admin: Transport
    key: PlatformKey
    controllers: Controllers

    def operator(
        self,
        *,
        fail_at: int = 0,
        after: bool = False,
        renderer: Renderer = RENDERER,
        settings: OperatorSettings | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> Operator:
        recording = Recording(self.admin, fail_at=fail_at, after=after)
        children = Children()
        one = reconciler(recording, children, Rendering(renderer), settings or OperatorSettings(), now or utc_now)
        return Operator(self, recording, children, one)

    async def ask(self, spec: Any, *, name: str | None = None) -> Object:
        """Make the platform, or change what it asks for."""
        key = replace(self.key, name=name or self.key.name)
        meta = {"name": key.name, "namespace": key.namespace}
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": meta, "spec": spec}
        return await self._send("PATCH", f"/{key.name}?fieldManager=person&force=true", body)

    async def annotate(self, annotations: dict[str, str]) -> None:
        meta = {"name": self.key.name, "namespace": self.key.namespace, "annotations": annotations}
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": meta}
        await self._send("PATCH", f"/{self.key.name}?fieldManager=annotator&force=true", body)

    async def platform(self, *, name: str | None = None) -> dict[str, Any]:
        return await self._send("GET", f"/{name or self.key.name}")

    async def condition(self, kind: str = "Ready", *, name: str | None = None) -> dict[str, Any]:
        found = (await self.platform(name=name))["status"]["conditions"]
        return next(condition for condition in found if condition["type"] == kind)

    async def _send(self, method: str, rest: str, body: Object | None = None) -> dict[str, Any]:
        path, _, query = f"/apis/{API_VERSION}/namespaces/{self.key.namespace}/ticketingplatforms{rest}".partition("?")
        asked = dict(part.split("=") for part in query.split("&")) if query else {}
        content = APPLY if method == "PATCH" else "application/json"
        return await self.admin.send(Request(method=method, path=path, query=asked, body=body, content_type=content))


@dataclass
class Operator:
    """One life of an operator: what it knows goes with it."""

    world: World
    recording: Recording
    children: Children
    one: Reconciler

    async def look(self, *, name: str | None = None, changed: Sequence[Access] = WATCHED) -> Verdict | None:
        """What watches would have told of these kinds, then one pass."""
        listing, where = Cluster(self.world.admin), (self.world.key.namespace,)
        before = self.children.known()
        lists = await asyncio.gather(*(list_all(listing, access, where) for access in changed))
        for access, items in zip(changed, lists, strict=True):
            self.children.listed(access.kind, items, known_before=before)
        return await self.one.reconcile(replace(self.world.key, name=name or self.world.key.name))

    async def until_settled(self, *, passes: int = 12) -> Verdict:
        """Pass after pass, with controllers that do their work between them, until nothing moves."""
        for _ in range(passes):
            verdict = await self.look()
            assert verdict is not None
            if await self.world.controllers.everything_gets_ready() == 0 and verdict.state != "working":
                return verdict
        raise AssertionError(f"not settled after {passes} passes: {verdict}")


def client_of(server: ApiServer, user: str) -> ApiClient:
    configuration = Configuration(host=server.url)
    configuration.verify_ssl = False
    configuration.api_key = {"BearerToken": f"Bearer {server.tokens[user]}"}
    return ApiClient(configuration)


@pytest.fixture
async def admin(server: ApiServer) -> AsyncIterator[Transport]:
    client = client_of(server, "admin")
    transport = ApiTransport(client)
    try:
        await define(transport, [crd.definition()])
        yield transport
    finally:
        await client.close()


@pytest.fixture
async def world(admin: Transport) -> AsyncIterator[World]:
    async with new_world(admin) as world:
        yield world


@asynccontextmanager
async def new_world(admin: Transport) -> AsyncIterator[World]:
    """A namespace with nothing in it, and nothing again when the block ends: no operator that starts later has to look
    at what a test has left."""
    namespace = f"op-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    await admin.send(Request(method="POST", path="/api/v1/namespaces", body=body))
    world = World(admin, PlatformKey(namespace, "tickets"), Controllers(admin, namespace))
    try:
        yield world
    finally:
        await world.controllers.everything_goes()


@pytest.fixture
async def foreign_kinds(admin: Transport) -> AsyncIterator[None]:
    """Other projects are installed, as far as the operator can see."""
    async with defined(admin, stand_ins()):
        yield
