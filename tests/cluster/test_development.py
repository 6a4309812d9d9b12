"""The development sample: its stores keep what they are given when their pods go."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.kit.topology import topology
from tests.cluster.cluster import Cluster, wait_until
from tests.cluster.helm import Helm
from tests.cluster.platforms import NAME, Platform, sample
from tests.cluster.sale import hold_sale, open_sale
from tests.cluster.volumes import volumes

GONE_S, BACK_S = 240, 180
STORES = topology().stores
pytestmark = pytest.mark.timeout(1500)


@pytest.mark.usefixtures("operator")
def test_what_was_sold_outlives_the_pods_of_its_stores_and_only_volumes_outlive_the_platform(
    cluster: Cluster, tmp_path: Path
) -> None:
    with cluster.namespace("development") as namespace, volumes(cluster, namespace, tmp_path):
        platform = Platform(cluster, namespace)
        platform.ask(sample("development"))
        platform.wait_until_ready()
        open_sale(cluster, namespace)
        assert hold_sale(cluster, namespace, buyers=20, seed=31).holds
        sold = platform.sold()

        cluster.run("delete", "pod", *(f"{store}-0" for store in STORES), "-n", namespace)
        wait_until(lambda: stores_missing(cluster, namespace), within_s=BACK_S)
        platform.wait_until_ready()

        assert platform.sold() == sold
        verdict = hold_sale(cluster, namespace, buyers=20, seed=32)
        assert verdict.holds, verdict

        cluster.run("delete", "tp", NAME, "-n", namespace)
        wait_until(lambda: " ".join(sorted(Helm(cluster, namespace).left(NAME) - claims())), within_s=GONE_S)
        assert bound(cluster, namespace) == claims()


def stores_missing(cluster: Cluster, namespace: str) -> str:
    """Those whose pod is not ready; one that was deleted is gone by now."""
    pods = cluster.get("pods", namespace, "app.kubernetes.io/component=store")
    ready = {pod["metadata"]["name"] for pod in pods for one in pod["status"].get("conditions", ()) if is_ready(one)}
    return " ".join(store for store in STORES if f"{store}-0" not in ready)


def is_ready(condition: dict[str, str]) -> bool:
    return (condition["type"], condition["status"]) == ("Ready", "True")


def claims() -> set[str]:
    return {f"persistentvolumeclaim/data-{store}-0" for store in STORES}


def bound(cluster: Cluster, namespace: str) -> set[str]:
    found = cluster.get("persistentvolumeclaims", namespace)
    return {f"persistentvolumeclaim/{one['metadata']['name']}" for one in found if one["status"]["phase"] == "Bound"}
