"""The operator on a real cluster, installed by its chart: one resource in, a platform out, a sale, nothing left."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from io import StringIO

import pytest
import yaml
from rich.console import Console

from services.kit.topology import topology
from services.local.samples import load_samples
from tests.cluster.cluster import REPOSITORY, Cluster, Object, wait_until
from tests.cluster.helm import Helm
from tests.load.sale.sale import run_sale
from tests.load.sale.settings import SaleSettings

GATEWAY, REALTIME, PAYMENT = (topology().services[name] for name in ("gateway", "realtime", "payment"))
DEFINITION = "ticketingplatforms.ticketing.dev"
READY_S, HEALED_S = 600, 75
NO_STORES = {store: {"enabled": False} for store in topology().stores}
ONLY_A_MAILBOX = NO_STORES | {"mailbox": {"enabled": True}}
KINDS = "deployments,statefulsets,services,serviceaccounts,jobs,networkpolicies,secrets"
pytestmark = pytest.mark.timeout(1500)


def operator_tag() -> str:
    """Of the operator's image: built apart from the platform's, it may be newer."""
    return os.environ.get("OPERATOR_TAG", "")


@pytest.fixture(scope="module")
def operator(cluster: Cluster) -> Iterator[Helm]:
    # One that is there belongs to another release, and Helm would not touch it.
    defined = bool(cluster.run("get", "crd", DEFINITION, "--ignore-not-found", "-o", "name"))
    values = {"image": {"tag": operator_tag()}, "resyncSeconds": 30, "crds": {"install": not defined}}
    with cluster.namespace("operator") as namespace:
        door = Helm(cluster, namespace)
        door.install("operator", "ticketing-operator", values)
        try:
            yield door
        finally:
            # Its rights are of the whole cluster, and do not go with the namespace; the definition goes last.
            door.uninstall("ticketing-operator")
            if not defined:
                cluster.run("delete", "crd", DEFINITION)


@pytest.fixture(scope="module")
def platform(cluster: Cluster, operator: Helm) -> Iterator[str]:
    """The namespace of the minimal sample, ready."""
    with cluster.namespace("platform") as namespace:
        sample = yaml.safe_load((REPOSITORY / "k8s/samples/minimal.yaml").read_text())
        sample["spec"]["services"] = {"gateway": {"env": {"RATE_LIMIT_ADDRESS_PER_MIN": "0"}}}
        # A witness of the sale, and no part of the platform.
        Helm(cluster, namespace).install("datastores", "mail", ONLY_A_MAILBOX)
        sample["spec"]["mail"] = {"host": "mailbox", "port": topology().mailbox["smtp"]}
        began = time.monotonic()
        cluster.apply(namespace, [sample])
        wait_until(lambda: not_ready(cluster, namespace), within_s=READY_S)
        print(f"ready after {time.monotonic() - began:.0f} s")
        yield namespace


def resource(cluster: Cluster, namespace: str) -> Object:
    return json.loads(cluster.run("get", "ticketingplatform", "tickets", "-n", namespace, "-o", "json"))


def not_ready(cluster: Cluster, namespace: str) -> str:
    found = resource(cluster, namespace)
    status = found.get("status", {})
    ready = next((one for one in status.get("conditions", ()) if one["type"] == "Ready"), {"status": "", "message": ""})
    if ready["status"] == "True" and status["observedGeneration"] == found["metadata"]["generation"]:
        return ""
    return f"{status.get('servicesReady')}: {ready['message']}"


def test_the_minimal_sample_has_ten_services_ready_under_restricted_pod_security(
    cluster: Cluster, platform: str
) -> None:
    row = cluster.run("get", "tp", "-n", platform, "--no-headers").split()

    assert row[:5] == ["tickets", "True", "Running", "0.1.0", "10/10"]


def test_a_sale_through_the_services_ends_well(cluster: Cluster, platform: str) -> None:
    with (
        cluster.forwarded(platform, "service/gateway", GATEWAY.ports["http"]) as gateway,
        cluster.forwarded(platform, "service/realtime-http", REALTIME.ports["http"]) as realtime,
        cluster.forwarded(platform, "service/payment-http", PAYMENT.ports["http"]) as psp,
        cluster.forwarded(platform, "service/mailbox", topology().mailbox["http"]) as mailbox,
    ):
        asyncio.run(load_samples(f"http://{gateway}", "organised by tests"))
        settings = SaleSettings(
            gateway=f"http://{gateway}",
            realtime=f"ws://{realtime}/ws",
            psp=f"http://{psp}",
            mailbox=f"http://{mailbox}",
            buyers=60,
            seed=5,
        )
        verdict = asyncio.run(run_sale(settings, Console(file=StringIO())))

    assert verdict.holds, verdict
    assert verdict.confirmed > 0


@pytest.mark.parametrize("kind", KINDS.split(","))
def test_what_is_deleted_or_edited_is_back(cluster: Cluster, platform: str, kind: str) -> None:
    selector = "app.kubernetes.io/managed-by=ticketing-operator"
    # Data are locked with the first two: that they are gone is told, and not healed. The stores here keep no volumes.
    kept = {"postgres-admin", "auth", "postgres", "kafka"}
    names = [one["metadata"]["name"] for one in cluster.get(kind, platform, selector)]
    name = next(name for name in names if name not in kept)
    before = cluster.run("get", kind, name, "-n", platform, "-o", "jsonpath={.metadata.uid}")

    cluster.run("delete", kind, name, "-n", platform, "--wait=true", "--cascade=background")

    def missing() -> str:
        found = [one for one in cluster.get(kind, platform, selector) if one["metadata"]["name"] == name]
        return "" if found and found[0]["metadata"]["uid"] != before else f"{kind} {name} is not back"

    wait_until(missing, within_s=HEALED_S)
    wait_until(lambda: not_ready(cluster, platform), within_s=READY_S)


def test_a_platform_at_rest_is_not_written_to(cluster: Cluster, platform: str) -> None:
    def versions() -> dict[str, str]:
        things = cluster.get(f"{KINDS},ticketingplatforms", platform, "app.kubernetes.io/managed-by=ticketing-operator")
        return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in things}

    wait_until(lambda: not_ready(cluster, platform), within_s=READY_S)
    before = versions()

    # More than two resyncs: there is nothing to wait for, this is about what does not happen.
    time.sleep(70)

    assert versions() == before


def test_a_deleted_platform_leaves_nothing_behind(cluster: Cluster, platform: str) -> None:
    cluster.run("delete", "tp", "tickets", "-n", platform)

    def left() -> str:
        selector = "app.kubernetes.io/instance=tickets"
        kinds = f"{KINDS},pods,persistentvolumeclaims"
        found = cluster.run("get", kinds, "-n", platform, "-l", selector, "-o", "name")
        return found.replace("\n", " ")

    wait_until(left, within_s=180)
    assert cluster.get("secrets", platform, "app.kubernetes.io/managed-by=ticketing-operator") == []
