"""The platform without its operator: installed by Helm, used, upgraded, rolled back and removed, in that order."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from services.kit.topology import Service, topology
from tests.cluster.cluster import Cluster, Object, Refused, not_available, wait_until
from tests.cluster.helm import PLATFORM, STORES, Helm
from tests.cluster.sale import hold_sale, open_sale

SERVICES = topology().python_services
RELEASE = "shop"
UPGRADED = {**PLATFORM, "global": PLATFORM["global"] | {"logLevel": "warning"}, "gateway": {"replicas": 2}}
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def helm(cluster: Cluster) -> Iterator[Helm]:
    """Stores and the platform at once, as somebody in a hurry installs them: order is the pods' own business."""
    with cluster.namespace("helm") as namespace:
        door = Helm(cluster, namespace)
        door.make_secrets()
        door.install("datastores", "stores", STORES)
        door.install("platform", RELEASE, PLATFORM)
        took_s = door.wait_until_ready(RELEASE, services=len(SERVICES))
        print(f"10 of 10 services ready after {took_s:.0f} s")
        open_sale(cluster, namespace)
        yield door


def pods(
    helm: Helm, selector: str = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component=service"
) -> list[Object]:
    found = helm.cluster.get("pods", helm.namespace, selector)
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def uids(helm: Helm) -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods(helm)}


def upgrade(helm: Helm, values: Mapping[str, Any]) -> None:
    helm.upgrade("platform", RELEASE, values)
    helm.wait_until_ready(RELEASE, services=len(SERVICES))


def test_every_pod_is_ready_and_none_had_to_start_again(helm: Helm) -> None:
    all_pods = pods(helm, "app.kubernetes.io/component in (service,store)")

    restarts = {
        pod["metadata"]["name"]: sum(container["restartCount"] for container in pod["status"]["containerStatuses"])
        for pod in all_pods
    }

    assert len(all_pods) == len(SERVICES) + 4
    assert {name: count for name, count in restarts.items() if count} == {}


def test_migrations_ran_once_for_every_service_with_a_database(helm: Helm) -> None:
    def waiting() -> str:
        jobs = helm.cluster.get("jobs", helm.namespace)
        return ", ".join(job["metadata"]["name"] for job in jobs if not job["status"].get("succeeded"))

    wait_until(waiting, within_s=120)
    jobs = helm.cluster.get("jobs", helm.namespace)

    assert len(jobs) == sum("postgres" in service.data for service in SERVICES)
    assert [job["metadata"]["name"] for job in jobs if job["status"].get("failed")] == []


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_prometheus_would_find_its_page(helm: Helm, service: Service) -> None:
    (pod,) = pods(helm, f"app.kubernetes.io/name={service.name},app.kubernetes.io/component=service")
    assert service.metrics is not None
    port = service.ports[service.metrics.port]

    page = helm.cluster.page(helm.namespace, pod["metadata"]["name"], port, service.metrics.path)

    assert re.search(r"^dependency_up\{", page, re.MULTILINE)


@pytest.mark.parametrize("name", ["gateway", "booking-worker"])
def test_an_image_holds_its_own_service_and_can_not_be_changed(helm: Helm, name: str) -> None:
    def inside(*words: str) -> str:
        return helm.cluster.run("exec", "-n", helm.namespace, f"deployment/{name}", "-c", name, "--", *words)

    assert set(inside("ls", "/app/services").split()) == {"__init__.py", "kit", name.replace("-", "_")}
    assert inside("/app/start", "-m", "services.kit.probe") == "", "its HEALTHCHECK"
    with pytest.raises(Refused, match="Read-only file system"):
        inside("touch", "/app/services/kit/new.py")


def test_a_sale_through_the_services_keeps_every_promise(helm: Helm) -> None:
    verdict = hold_sale(helm.cluster, helm.namespace, buyers=60, seed=1)

    assert verdict.holds, verdict
    assert verdict.confirmed > 0


def test_an_upgrade_renews_every_pod_and_keeps_what_was_sold(helm: Helm) -> None:
    before = uids(helm)

    upgrade(helm, UPGRADED)

    assert before.isdisjoint(uids(helm))
    assert len(uids(helm)) == len(SERVICES) + 1, "the gateway has two"
    assert helm.cluster.get("poddisruptionbudgets", helm.namespace)[0]["status"]["disruptionsAllowed"] == 1
    assert hold_sale(helm.cluster, helm.namespace, buyers=20, seed=2).holds


def test_an_upgrade_that_changes_nothing_restarts_nothing(helm: Helm) -> None:
    before = uids(helm)

    upgrade(helm, UPGRADED)
    time.sleep(5)

    assert uids(helm) == before


def test_an_upgrade_that_can_not_start_leaves_the_old_version_serving(helm: Helm) -> None:
    before = uids(helm)
    broken = {**UPGRADED, "auth": {"image": {"tag": "never-built"}}}

    helm.upgrade("platform", RELEASE, broken)

    def reason() -> str:
        selector = "app.kubernetes.io/name=auth,app.kubernetes.io/component=service"
        states = [state for pod in pods(helm, selector) for state in pod["status"].get("initContainerStatuses", ())]
        told = [state["state"].get("waiting", {}).get("reason", "") for state in states]
        return (
            "" if {"ErrImagePull", "ImagePullBackOff"} & set(told) else f"no pod says that its image is missing: {told}"
        )

    wait_until(reason, within_s=120)
    assert before <= uids(helm)
    deployments = helm.cluster.get("deployments", helm.namespace, f"app.kubernetes.io/instance={RELEASE}")
    assert not_available(deployments).keys() == {"auth"}
    assert [d["status"]["availableReplicas"] for d in deployments if d["metadata"]["name"] == "auth"] == [1]


def test_rolling_back_mends_it_without_a_restart(helm: Helm) -> None:
    serving = {
        pod["metadata"]["uid"]
        for pod in pods(helm)
        for condition in pod["status"]["conditions"]
        if (condition["type"], condition["status"]) == ("Ready", "True")
    }

    helm.rollback(RELEASE)
    helm.wait_until_ready(RELEASE, services=len(SERVICES))

    assert uids(helm) == serving
    assert len(serving) == len(SERVICES) + 1
    assert hold_sale(helm.cluster, helm.namespace, buyers=10, seed=3).holds


def test_uninstalling_leaves_nothing_but_the_stores(helm: Helm) -> None:
    helm.uninstall(RELEASE)

    wait_until(lambda: " ".join(sorted(helm.left(RELEASE))), within_s=120)
    assert len(helm.cluster.get("statefulsets", helm.namespace)) == 3
    helm.uninstall("stores")
    wait_until(lambda: " ".join(sorted(helm.left("stores"))), within_s=120)
