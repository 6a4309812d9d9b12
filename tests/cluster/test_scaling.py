"""Realtime grows and shrinks while a sale runs: sockets move to other pods, and no message is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.cluster.cluster import Cluster, wait_until
from tests.cluster.metrics_server import metrics_server
from tests.cluster.platforms import Platform
from tests.cluster.realtime import pods_are, sockets
from tests.cluster.sale import failed_bookings, hold_sale, meanwhile

SCALES_S, COME_BACK_S = 300, 60
BUYERS, RUSH_S = 120, 75.0
# Buyers who leave in the meantime, as some do in every sale.
STRAY = BUYERS // 10
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(autouse=True)
def one_again(platform: Platform) -> Iterator[None]:
    platform.wait_until_ready()
    yield
    platform.edit({"services": {"realtime": None}, "realtime": None})
    wait_until(lambda: pods_are(platform, 1), within_s=SCALES_S)
    platform.wait_until_ready()


def test_by_hand(cluster: Cluster, platform: Platform) -> None:
    spread, left = dict[str, int](), dict[str, int]()

    def down_and_up() -> None:
        spread.update(sockets(platform))
        replicas(platform, 1)
        wait_until(lambda: not_all_back(platform, spread), within_s=COME_BACK_S)
        left.update(sockets(platform))
        replicas(platform, 2)

    replicas(platform, 3)
    around = meanwhile(down_and_up)
    verdict = hold_sale(cluster, platform.namespace, buyers=BUYERS, seed=11, rush_s=RUSH_S, around=around)

    print(f"{list(spread.values())} sockets, then {list(left.values())}; {verdict.crowd}")
    assert verdict.holds, verdict
    assert failed_bookings(verdict) == {}
    assert len(spread) == 3
    assert all(spread.values())
    (survivor,) = left
    assert verdict.crowd["sockets_dropped"] >= sum(spread.values()) - spread[survivor] - STRAY


def test_by_cpu_with_the_metrics_server(cluster: Cluster, platform: Platform) -> None:
    grown, measured = list[int](), list[int]()

    def up_and_down() -> None:
        wait_until(lambda: "" if len(platform.pods("realtime")) > 1 else "still one pod", within_s=SCALES_S)
        wait_until(lambda: pods_are(platform, None), within_s=SCALES_S)
        grown.append(len(platform.pods("realtime")))
        measured.append(used_per_cent(platform))
        # Above its most an autoscaler takes pods away at once; otherwise it waits for five quiet minutes.
        platform.edit({"realtime": {"autoscaling": {"maxReplicas": 1}}})
        wait_until(lambda: pods_are(platform, 1), within_s=SCALES_S)

    with metrics_server(cluster):
        # Per cent of what it asks for: any sale needs more.
        by_cpu = {"mode": "cpu", "minReplicas": 1, "maxReplicas": 2, "targetCPUUtilization": 10}
        platform.edit({"realtime": {"autoscaling": by_cpu}})
        platform.wait_until_ready()
        around = meanwhile(up_and_down)
        verdict = hold_sale(cluster, platform.namespace, buyers=BUYERS, seed=12, rush_s=RUSH_S, around=around)

    print(f"{grown} pods at {measured} % of what they ask for, then one again; {verdict.crowd}")
    assert verdict.holds, verdict
    assert failed_bookings(verdict) == {}
    assert grown == [2]
    assert measured[0] > 0


def replicas(platform: Platform, count: int) -> None:
    platform.edit({"services": {"realtime": {"replicas": count}}})
    wait_until(lambda: pods_are(platform, count), within_s=SCALES_S)


def not_all_back(platform: Platform, before: Mapping[str, int]) -> str:
    now = sum(sockets(platform).values())
    return "" if now >= sum(before.values()) - STRAY else f"{now} of {sum(before.values())} sockets are back"


def used_per_cent(platform: Platform) -> int:
    """Of the CPU that pods ask for, as the autoscaler was told by the metrics-server."""
    (scaler,) = platform.cluster.get("hpa", platform.namespace, "app.kubernetes.io/name=realtime")
    (metric,) = scaler["status"]["currentMetrics"]
    return int(metric["resource"]["current"]["averageUtilization"])
