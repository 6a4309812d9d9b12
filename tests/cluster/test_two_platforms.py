"""A second platform in a namespace of its own: as fast as by hand, by itself, and gone when it is deleted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ticketing_operator.preview import Preview
from ticketing_operator.settings import REPOSITORY

from services.kit.topology import topology
from tests.cluster.cluster import Cluster, not_available, wait_until
from tests.cluster.helm import READY_S, Helm
from tests.cluster.platforms import NAME, OURS, Platform, asking_little, sample
from tests.cluster.sale import hold_sale, open_sale
from tests.twins.helm_sdk import HelmLibrary

# By hand all is applied at once; the operator waits for migrations, and looks at what its watches tell.
AT_MOST = 1.5
GONE_S = 240
SERVICES = topology().python_services
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def by_hand_s(cluster: Cluster, platform: Platform) -> float:
    """From applying the manifests that the operator would render until all is ready; gone afterwards."""
    platform.wait_until_ready()
    with cluster.namespace("hand") as namespace:
        objects = asyncio.run(rendered(namespace))
        began = time.monotonic()
        Helm(cluster, namespace).make_secrets()
        cluster.apply(namespace, objects)
        wait_until(lambda: unfinished(cluster, namespace), within_s=READY_S)
        took_s = time.monotonic() - began
    gone = f"namespace/{namespace}"
    cluster.run("wait", gone, "--for=delete", f"--timeout={GONE_S}s", timeout_s=GONE_S + 10)
    return took_s


@pytest.fixture(scope="module")
def second(cluster: Cluster, by_hand_s: float) -> Iterator[tuple[Platform, float]]:
    with cluster.namespace("second") as namespace:
        second = Platform(cluster, namespace)
        began = time.monotonic()
        second.ask(asking_little(sample("minimal")))
        second.wait_until_ready()
        yield second, time.monotonic() - began


def test_it_is_ready_about_as_soon_as_by_hand(by_hand_s: float, second: tuple[Platform, float]) -> None:
    _, took_s = second

    print(f"by hand {by_hand_s:.0f} s, by the operator {took_s:.0f} s: {took_s / by_hand_s:.2f} times")
    assert took_s < AT_MOST * by_hand_s


def test_what_is_sold_in_one_is_no_business_of_the_other(
    cluster: Cluster, platform: Platform, second: tuple[Platform, float]
) -> None:
    other, _ = second
    before = platform.sql("SELECT count(*) FROM booking.bookings")

    open_sale(cluster, other.namespace)
    verdict = hold_sale(cluster, other.namespace, buyers=30, seed=3)

    assert verdict.holds, verdict
    assert int(other.sql("SELECT count(*) FROM booking.bookings")) >= verdict.confirmed > 0
    assert platform.sql("SELECT count(*) FROM booking.bookings") == before


def test_deleted_it_leaves_nothing_and_the_other_serves_on(
    cluster: Cluster, platform: Platform, second: tuple[Platform, float]
) -> None:
    other, _ = second
    before = [pod["metadata"]["uid"] for service in SERVICES for pod in platform.pods(service.name)]

    cluster.run("delete", "tp", NAME, "-n", other.namespace)

    wait_until(lambda: " ".join(sorted(Helm(cluster, other.namespace).left(NAME))), within_s=GONE_S)
    assert cluster.get("secrets", other.namespace, OURS) == []
    platform.wait_until_ready()
    assert [pod["metadata"]["uid"] for service in SERVICES for pod in platform.pods(service.name)] == before


async def rendered(namespace: str) -> list[dict[str, Any]]:
    """As the operator renders them, but owned by nobody: there is no platform."""
    platform = asking_little(sample("minimal"))
    platform["metadata"]["namespace"] = namespace
    objects = await Preview(HelmLibrary(REPOSITORY / "charts")).rendered(platform)
    return [{**thing, "metadata": without_owner(thing["metadata"])} for thing in objects]


def without_owner(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key != "ownerReferences"}


def unfinished(cluster: Cluster, namespace: str) -> str:
    """What of a platform that was applied by hand is not there yet."""
    deployments = cluster.get("deployments", namespace)
    jobs = [job["metadata"]["name"] for job in cluster.get("jobs", namespace) if not job["status"].get("succeeded")]
    if len(deployments) < len(SERVICES):
        return f"{len(deployments)} deployments"
    return " ".join([*not_available(deployments), *jobs])
