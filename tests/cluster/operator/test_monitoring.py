"""Monitoring by a field of the platform: taken by a real API server with the real definitions, and told when it is not;
the operator's own dashboard asked of a real Prometheus."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml
from ticketing_operator.names import Kind
from ticketing_operator.transport import Request, Transport

from observe.boards import operator as board
from observe.panels import WINDOW
from tests.cluster.api_server import ApiServer
from tests.cluster.controllers import DEPLOYMENT
from tests.cluster.definitions import published
from tests.cluster.operator.conftest import World
from tests.cluster.operator.definitions import defined
from tests.cluster.operator.test_process import LOOKS_S, SETTLES_S, Process, granted, healed, until_ready
from tests.ports import free_port
from tests.waiting import until

__all__ = ["granted"]
MONITOR, RULE = (Kind("monitoring.coreos.com/v1", kind) for kind in ("ServiceMonitor", "PrometheusRule"))
CONFIG_MAP = Kind("v1", "ConfigMap")
MONITORED = {"serviceMonitors": True, "dashboards": True, "alerts": True, "labels": {"release": "prometheus"}}
pytestmark = pytest.mark.timeout(300)
needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="Debian: prometheus")


@pytest.fixture
async def real_definitions(admin: Transport) -> AsyncIterator[None]:
    async with defined(admin, [yaml.safe_load(file.read_text()) for file in published("monitoring.coreos.com_*.yaml")]):
        yield


async def test_monitors_rules_and_dashboards_are_taken_to_their_last_field(
    world: World, real_definitions: None
) -> None:
    await world.ask({"version": "1.0.0", "monitoring": MONITORED})
    operator = world.operator()

    verdict = await operator.until_settled()
    operator.recording.sent.clear()
    await operator.look()

    monitors, rules = await world.controllers.all(MONITOR), await world.controllers.all(RULE)
    dashboards = await world.controllers.all(CONFIG_MAP)
    assert (verdict.state, verdict.reason) == ("ready", "Running")
    assert len(monitors) == 10
    assert {one["metadata"]["labels"]["release"] for one in [*monitors, *rules]} == {"prometheus"}
    assert "ticketing-invariants" in {one["metadata"]["name"] for one in rules}
    assert "dashboard-on-sale" in {one["metadata"]["name"] for one in dashboards}
    assert operator.recording.sent == [], "what the API server made of them is not taken for drift"
    for thing in [*monitors, *rules]:
        await posted_strictly(world, thing)


async def posted_strictly(world: World, thing: dict[str, Any]) -> None:
    """Refused when the definition knows a field of it not."""
    plural = {"ServiceMonitor": "servicemonitors", "PrometheusRule": "prometheusrules"}[thing["kind"]]
    path = f"/apis/monitoring.coreos.com/v1/namespaces/{world.key.namespace}/{plural}"
    body = {**thing, "metadata": {"name": f"{thing['metadata']['name']}-again"}}
    query = {"fieldValidation": "Strict", "dryRun": "All"}
    await world.admin.send(Request(method="POST", path=path, query=query, body=body))


async def test_switched_off_it_is_taken_away(world: World, real_definitions: None) -> None:
    await world.ask({"version": "1.0.0", "monitoring": MONITORED})
    operator = world.operator()
    await operator.until_settled()

    await world.ask({"version": "1.0.0"})
    await operator.until_settled()

    left = [await world.controllers.all(kind) for kind in (MONITOR, RULE)]
    dashboards = {one["metadata"]["name"] for one in await world.controllers.all(CONFIG_MAP)}
    assert left == [[], []]
    assert not [name for name in dashboards if name.startswith("dashboard-")]


@needs_prometheus
async def test_every_query_of_the_operators_dashboard_has_an_answer(
    granted: ApiServer, world: World, tmp_path: Path
) -> None:
    process = Process(granted, tmp_path, identity="watched")
    await world.ask({"version": "1.0.0", "mesh": {"mtls": "strict"}})

    with process.running(), watching(process.metrics_port, tmp_path) as prometheus:
        await until_ready(world)
        await world.controllers.patch(DEPLOYMENT, "booking", {"spec": {"replicas": 4}})
        await until(lambda: healed(world), within_s=SETTLES_S, every_s=LOOKS_S)
        for query in (query for panel in board.BOARD.panels for query in panel.queries):
            await until(partial(has_answer, prometheus, query.expr), within_s=30)


async def has_answer(prometheus: str, expr: str) -> bool:
    """False also while Prometheus starts. Raises HTTPError for a query that it does not understand."""
    asked = urllib.parse.urlencode({"query": expr.replace(WINDOW, "30s")})

    def ask() -> list[Any]:
        try:
            with urllib.request.urlopen(f"{prometheus}/api/v1/query?{asked}", timeout=5) as answer:  # noqa: S310 - this machine's own
                return list(json.load(answer)["data"]["result"])
        except urllib.error.HTTPError as refusal:
            # It listens before its storage is open.
            if refusal.code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
        except OSError:
            pass  # not even that yet
        return []

    return bool(await asyncio.to_thread(ask))


@contextmanager
def watching(port: int, folder: Path) -> Iterator[str]:
    """A Prometheus that scrapes that port every second."""
    targets = {"job_name": "ticketing-operator", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    config = folder / "prometheus.yaml"
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": [targets]}))
    own = free_port()
    command = [
        str(shutil.which("prometheus")),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{own}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - found by name above
        try:
            yield f"http://127.0.0.1:{own}"
        finally:
            process.terminate()
            process.wait(timeout=20)
