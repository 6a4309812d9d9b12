"""The whole process as it is installed: its rights and no others, its watches, its Lease, and kill -9."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ticketing_operator.kinds import SECRETS, rules
from ticketing_operator.mesh_secrets import ASKED, ROTATE_CERTIFICATES
from ticketing_operator.names import Kind
from ticketing_operator.settings import REPOSITORY
from ticketing_operator.transport import APPLY, Request, Transport

from tests.cluster.api_server import ApiServer, program
from tests.cluster.controllers import DEPLOYMENT
from tests.cluster.operator.conftest import World
from tests.ports import free_port
from tests.waiting import until

LEASE_NAMESPACE, LEASE_NAME = "default", "ticketing-operator"
EVERYTHING: dict[str, Any] = {
    "version": "1.0.0",
    "gateway": {"replicas": 2, "host": "tickets.example.com", "ingress": {"className": "nginx"}},
    "realtime": {"autoscaling": {"mode": "keda"}},
    "services": {"booking": {"autoscaling": {"mode": "cpu"}}},
    "monitoring": {"serviceMonitors": True, "dashboards": True, "alerts": True},
    "payments": {"provider": "sandbox"},
    "mail": {"host": "smtp.example.com", "secretName": "smtp"},
    "mesh": {"mtls": "permissive"},
}
SETTLES_S = 90.0
# To look costs the API server four lists, and the operator needs it too.
LOOKS_S = 0.25
pytestmark = pytest.mark.timeout(300)


@dataclass
class Process:
    server: ApiServer
    folder: Path
    metrics_port: int = field(default_factory=free_port)
    identity: str = "one"

    def environment(self) -> dict[str, str]:
        """Python's part as in the operator's image: compiled once, to where nobody else writes."""
        return os.environ | {
            "MALLOC_ARENA_MAX": "2",
            "PYTHONPYCACHEPREFIX": str(self.server.folder / "bytecode"),
            "PYTHONDONTWRITEBYTECODE": "",
            "KUBECONFIG": str(self.server.kubeconfig("operator")),
            "PYTHONPATH": os.pathsep.join((str(REPOSITORY), str(REPOSITORY / "operator"))),
            "OPERATOR_HELM": program("helm"),
            "OPERATOR_RESYNC_S": "2",
            "OPERATOR_SECRETS_SETTLE_S": "0",
            "OPERATOR_METRICS_PORT": str(self.metrics_port),
            "OPERATOR_HEALTH_PORT": "0",
            "OPERATOR_BIND_HOST": "127.0.0.1",
            "OPERATOR_LEASE_NAMESPACE": LEASE_NAMESPACE,
            "OPERATOR_LEASE_NAME": LEASE_NAME,
            "OPERATOR_LEASE_S": "4",
            "OPERATOR_IDENTITY": self.identity,
        }

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "ticketing_operator", "run"]
        with (self.folder / f"operator-{self.identity}.log").open("ab") as log:
            process = subprocess.Popen(command, env=self.environment(), stdout=log, stderr=log)  # noqa: S603 - our own
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    @property
    def log(self) -> str:
        return (self.folder / f"operator-{self.identity}.log").read_text()

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as page:
            return str(page.read().decode())


@pytest.fixture
async def granted(server: ApiServer, admin: Transport, foreign_kinds: None) -> ApiServer:
    """An operator that may do what its chart lets it, and other projects' kinds to do it with."""
    lease = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    named = lease | {"resourceNames": [LEASE_NAME], "verbs": ["get", "update", "patch"]}
    await grant(admin, "ClusterRole", "operator", list(rules()))
    await grant(admin, "Role", "operator-lease", [lease | {"verbs": ["create"]}, named])
    return server


async def test_it_does_all_its_work_with_the_rights_of_its_chart_and_needs_each_of_them(
    granted: ApiServer, world: World, tmp_path: Path
) -> None:
    process = Process(granted, tmp_path)
    smtp = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "smtp"}, "stringData": {"username": "u"}}
    await world.controllers.create(smtp | {"stringData": {"username": "u", "password": "p"}})
    await world.ask(EVERYTHING)

    with process.running():
        await until_ready(world)
        await world.annotate({ROTATE_CERTIFICATES: "once"})
        await until(lambda: renewed(world, "once"), within_s=SETTLES_S, every_s=LOOKS_S)
        other = {key: value for key, value in EVERYTHING.items() if key in {"version", "gateway"}}
        route = {"replicas": 1, "host": "tickets.example.com", "httpRoute": {"parentRefs": [{"name": "public"}]}}
        issuer = {"mtls": "permissive", "issuer": "cert-manager", "issuerRef": {"name": "shop-ca"}}
        await world.ask(other | {"gateway": route, "mesh": issuer})
        await until_ready(world)

    asked = granted.asked()
    refused = [entry["requestURI"] for entry in asked if entry["responseStatus"].get("code") == 403]
    assert refused == []
    unused = rights() - used(asked)
    # A platform always has these: no edit of it makes the operator take them away.
    assert {right for right in unused if not right.startswith("delete ")} == set()
    assert used(asked) - rights() <= {f"{verb} leases" for verb in ("get", "create", "update", "patch")}


async def test_an_edit_by_hand_is_seen_by_the_watch_and_put_right(
    granted: ApiServer, world: World, tmp_path: Path
) -> None:
    process = Process(granted, tmp_path)
    await world.ask({"version": "1.0.0"})

    with process.running():
        await until_ready(world)
        await world.controllers.patch(DEPLOYMENT, "booking", {"spec": {"replicas": 4}})
        await world.controllers.delete(Kind("v1", "Service"), "gateway")
        await until(lambda: healed(world), within_s=SETTLES_S, every_s=LOOKS_S)
        ready = f'ticketing_operator_platform_ready{{name="tickets",namespace="{world.key.namespace}"}} 1.0'
        await until(lambda: ready in process.metrics(), within_s=SETTLES_S)

        assert 'ticketing_operator_drift_corrected_total{kind="Deployment"} 1.0' in process.metrics()


async def test_killed_at_any_moment_its_successor_brings_the_platform_about(
    granted: ApiServer, world: World, tmp_path: Path
) -> None:
    await world.ask({"version": "1.0.0"})
    for number, lived_s in enumerate((2.5, 3.0, 4.0), 1):
        with Process(granted, tmp_path, identity=f"killed-{number}").running() as process:
            await asyncio.sleep(lived_s)
            process.kill()
            await world.controllers.everything_gets_ready()

    with Process(granted, tmp_path, identity="last").running():
        await until_ready(world)

    assert (await world.platform())["status"]["servicesReady"] == "10/10"


async def test_of_two_one_works_and_the_other_takes_over_at_once_when_it_is_stopped(
    granted: ApiServer, world: World, tmp_path: Path
) -> None:
    first, second = (Process(granted, tmp_path, identity=name) for name in ("first", "second"))
    await world.ask({"version": "1.0.0"})

    with first.running():
        await until(lambda: told(first, "leading"), within_s=SETTLES_S)
        with second.running():
            await until_ready(world)
            assert "leading" not in second.log
            # Ends the first, as a rollout does.
            await asyncio.to_thread(stop, first)
            await until(lambda: told(second, "leading"), within_s=SETTLES_S)
            await world.controllers.delete(Kind("v1", "Service"), "gateway")
            await until(lambda: healed(world), within_s=SETTLES_S, every_s=LOOKS_S)


def stop(process: Process) -> None:
    """By the Lease's holder: SIGTERM to whoever runs under that identity."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and is_identity(entry, process.identity):
            os.kill(int(entry.name), signal.SIGTERM)


def is_identity(entry: Path, identity: str) -> bool:
    try:
        return f"OPERATOR_IDENTITY={identity}".encode() in (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


async def told(process: Process, event: str) -> bool:
    return f'"event":"{event}"' in process.log


async def healed(world: World) -> bool:
    await world.controllers.everything_gets_ready()
    services = {thing["metadata"]["name"] for thing in await world.controllers.all(Kind("v1", "Service"))}
    replicas = {thing["spec"]["replicas"] for thing in await world.controllers.all(DEPLOYMENT)}
    return "gateway" in services and replicas == {1}


async def renewed(world: World, asked: str) -> bool:
    kept = [secret for secret in await world.controllers.all(SECRETS.kind) if secret["type"] == "kubernetes.io/tls"]
    return bool(kept) and all(secret["metadata"]["annotations"].get(ASKED) == asked for secret in kept)


async def until_ready(world: World) -> None:
    async def is_ready() -> bool:
        await world.controllers.everything_gets_ready()
        platform = await world.platform()
        status = platform.get("status", {})
        ready = [c["status"] for c in status.get("conditions", ()) if c["type"] == "Ready"]
        return ready == ["True"] and status["observedGeneration"] == platform["metadata"]["generation"]

    await until(is_ready, within_s=SETTLES_S, every_s=LOOKS_S)


def rights() -> set[str]:
    return {f"{verb} {resource}" for rule in rules() for verb in rule["verbs"] for resource in rule["resources"]}


def used(asked: Sequence[dict[str, Any]]) -> set[str]:
    """Verb and resource of each request about an object."""
    found = set()
    for entry in asked:
        if resource := (entry.get("objectRef") or {}).get("resource"):
            subresource = entry["objectRef"].get("subresource")
            what = resource + (f"/{subresource}" if subresource else "")
            found.add(f"{entry['verb']} {what}")
            # To apply what is not there yet needs the right to create as well.
            if entry["verb"] == "patch" and entry["responseStatus"].get("code") == 201:
                found.add(f"create {what}")
    return found


async def grant(admin: Transport, kind: str, name: str, allowed: list[dict[str, Any]]) -> None:
    group = "rbac.authorization.k8s.io"
    scope = "" if kind == "ClusterRole" else f"/namespaces/{LEASE_NAMESPACE}"
    subject = {"kind": "User", "name": "operator", "apiGroup": group}
    bound = {"roleRef": {"kind": kind, "name": name, "apiGroup": group}, "subjects": [subject]}
    for made, body in ((kind, {"rules": allowed}), (f"{kind}Binding", bound)):
        path = f"/apis/{group}/v1{scope}/{made.lower()}s/{name}"
        thing = {"apiVersion": f"{group}/v1", "kind": made, "metadata": {"name": name}} | body
        query = {"fieldManager": "person", "force": "true"}
        await admin.send(Request(method="PATCH", path=path, query=query, body=thing, content_type=APPLY))
