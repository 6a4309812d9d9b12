"""The platform without its operator: installed by Helm, used by a buyer, upgraded, removed."""

from __future__ import annotations

import asyncio
import json
import re
import time
import urllib.request
from collections.abc import Iterator
from io import StringIO

import pytest
from rich.console import Console

from services.kit.topology import topology
from services.local.samples import load_samples
from tests.cluster.cluster import Cluster, wait_until
from tests.cluster.helm import NO_DISKS, Helm, small
from tests.load.sale.sale import run_sale
from tests.load.sale.settings import SaleSettings
from tests.load.sale.verdict import Verdict

SERVICES = topology().python_services
GATEWAY, REALTIME, PAYMENT = (topology().services[name] for name in ("gateway", "realtime", "payment"))
RELEASE = "shop"
VALUES = small({"global": {"env": {"RATE_LIMIT_ADDRESS_PER_MIN": 0}}})
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def helm(cluster: Cluster) -> Iterator[Helm]:
    """Stores and the platform at once, as somebody in a hurry installs them: order is the pods' own business."""
    with cluster.namespace("helm") as namespace:
        door = Helm(cluster, namespace)
        door.make_secrets()
        door.install("datastores", "stores", NO_DISKS)
        door.install("platform", RELEASE, VALUES)
        took_s = door.wait_until_ready(RELEASE, services=len(SERVICES))
        print(f"10 of 10 services ready after {took_s:.0f} s")
        with door.cluster.forwarded(namespace, "service/gateway", GATEWAY.ports["http"]) as gateway:
            wait_until(lambda: peers_missing(gateway), within_s=30)
            asyncio.run(load_samples(f"http://{gateway}", "organised by tests"))
        yield door


def peers_missing(gateway: str) -> str:
    """It is ready as soon as orders can be put in line; the rest it sees within seconds."""
    with urllib.request.urlopen(f"http://{gateway}{GATEWAY.health.path}", timeout=10) as response:
        parts = json.load(response)["components"]
    return ", ".join(name for name, part in parts.items() if part["status"] != "UP")


def sale(helm: Helm, *, buyers: int, seed: int) -> Verdict:
    """A sale through the gateway's and realtime's Services, judged from outside."""
    cluster, namespace = helm.cluster, helm.namespace
    with (
        cluster.forwarded(namespace, "service/gateway", GATEWAY.ports["http"]) as gateway,
        cluster.forwarded(namespace, "service/realtime-http", REALTIME.ports["http"]) as realtime,
        cluster.forwarded(namespace, "service/payment-http", PAYMENT.ports["http"]) as psp,
    ):
        settings = SaleSettings(
            gateway=f"http://{gateway}",
            realtime=f"ws://{realtime}/ws",
            psp=f"http://{psp}",
            buyers=buyers,
            seed=seed,
            wait_for_mails=False,
        )
        return asyncio.run(run_sale(settings, Console(file=StringIO())))


def test_every_pod_is_ready_and_none_had_to_start_again(helm: Helm) -> None:
    pods = helm.cluster.get("pods", helm.namespace, "app.kubernetes.io/component in (service,store)")

    restarts = {
        pod["metadata"]["name"]: [c["restartCount"] for c in pod["status"]["containerStatuses"]] for pod in pods
    }

    assert len(pods) == len(SERVICES) + 3
    assert {name: counts for name, counts in restarts.items() if any(counts)} == {}


def test_migrations_ran_once_for_every_service_with_a_database(helm: Helm) -> None:
    def missing() -> str:
        jobs = helm.cluster.get("jobs", helm.namespace)
        waiting = [job["metadata"]["name"] for job in jobs if not job["status"].get("succeeded")]
        return ", ".join(waiting)

    wait_until(missing, within_s=120)
    jobs = helm.cluster.get("jobs", helm.namespace)

    assert len(jobs) == sum("postgres" in service.data for service in SERVICES)
    assert [job["metadata"]["name"] for job in jobs if job["status"].get("failed")] == []


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_prometheus_would_find_its_page(helm: Helm, service) -> None:
    (pod,) = helm.cluster.get(
        "pods", helm.namespace, f"app.kubernetes.io/name={service.name},app.kubernetes.io/component=service"
    )

    page = helm.cluster.page(
        helm.namespace, pod["metadata"]["name"], service.ports[service.metrics.port], service.metrics.path
    )

    assert re.search(r"^dependency_up\{", page, re.MULTILINE)


def test_a_sale_through_the_services_keeps_every_promise(helm: Helm) -> None:
    verdict = sale(helm, buyers=60, seed=1)

    assert verdict.holds, verdict
    assert verdict.confirmed > 0


def test_an_upgrade_renews_every_pod_and_keeps_what_was_sold(helm: Helm) -> None:
    before = {
        pod["metadata"]["uid"]
        for pod in helm.cluster.get("pods", helm.namespace, f"app.kubernetes.io/instance={RELEASE}")
    }
    changed = {**VALUES, "global": {**VALUES["global"], "logLevel": "debug"}}

    helm.upgrade("platform", RELEASE, changed)
    helm.wait_until_ready(RELEASE, services=len(SERVICES))

    now = helm.cluster.get(
        "pods", helm.namespace, f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component=service"
    )
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in now if "deletionTimestamp" not in pod["metadata"])
    assert sale(helm, buyers=20, seed=2).holds


def test_an_upgrade_that_changes_nothing_restarts_nothing(helm: Helm) -> None:
    def uids() -> set[str]:
        return {
            pod["metadata"]["uid"]
            for pod in helm.cluster.get("pods", helm.namespace)
            if "deletionTimestamp" not in pod["metadata"]
        }

    wait_until(lambda: "" if len(uids()) else "no pods", within_s=5)
    changed = {**VALUES, "global": {**VALUES["global"], "logLevel": "debug"}}
    before = uids()

    helm.upgrade("platform", RELEASE, changed)
    time.sleep(5)

    assert uids() == before


def test_uninstalling_leaves_nothing_but_what_was_sold(helm: Helm) -> None:
    helm.uninstall(RELEASE)

    wait_until(lambda: " ".join(sorted(helm.left(RELEASE))), within_s=120)
    assert helm.cluster.get("statefulsets", helm.namespace), "stores are a release of their own"
    helm.uninstall("stores")
    wait_until(lambda: " ".join(sorted(helm.left("stores"))), within_s=120)
