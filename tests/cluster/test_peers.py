"""Three pods of ticket while a sale runs: one hangs, one is killed, one comes; buyers notice nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.kit.topology import topology
from tests.cluster.cluster import Cluster, Object, wait_until
from tests.cluster.platforms import Platform
from tests.cluster.sale import failed_bookings, hold_sale, meanwhile

TICKET = topology().services["ticket"]
SCALES_S, HANGS_S = 300, 20
# From ready to asked: the promise of the mesh.
SHARE_S = 5.0
BUYERS, RUSH_S = 150, 90.0
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture
def three(platform: Platform) -> Iterator[Platform]:
    tickets(platform, 3)
    yield platform
    platform.edit({"services": {"ticket": None}})
    platform.wait_until_ready()


def test_one_of_three_hangs_and_one_is_killed_and_no_booking_is_lost(cluster: Cluster, three: Platform) -> None:
    def one_after_the_other() -> None:
        hangs, killed = three.pods("ticket")[:2]
        with frozen(cluster, hangs):
            time.sleep(HANGS_S)
        name = killed["metadata"]["name"]
        cluster.run("delete", "pod", name, "-n", three.namespace, "--grace-period=0", "--force")
        wait_until(lambda: ready_are(three, 3), within_s=SCALES_S)

    around = meanwhile(one_after_the_other)
    verdict = hold_sale(cluster, three.namespace, buyers=BUYERS, seed=41, rush_s=RUSH_S, around=around)

    print(f"{verdict.confirmed} of {verdict.orders} confirmed, p99 {verdict.pace.p99_ms:.0f} ms")
    assert verdict.holds, verdict
    assert failed_bookings(verdict) == {}


def test_a_pod_that_comes_has_its_share_within_seconds(cluster: Cluster, three: Platform) -> None:
    waited = list[float]()

    def one_more() -> None:
        known = {pod["metadata"]["name"] for pod in three.pods("ticket")}
        three.edit({"services": {"ticket": {"replicas": 4}}})
        wait_until(lambda: "" if newcomer(three, known) else "no new pod is ready", within_s=SCALES_S, every_s=0.2)
        began, name = time.monotonic(), newcomer(three, known)
        wait_until(lambda: "" if calls(three, name) else f"nobody asks {name}", within_s=SCALES_S, every_s=0.2)
        waited.append(time.monotonic() - began)

    around = meanwhile(one_more)
    verdict = hold_sale(cluster, three.namespace, buyers=BUYERS, seed=42, rush_s=RUSH_S, around=around)

    print(f"asked {waited[0]:.1f} s after it was ready")
    assert verdict.holds, verdict
    assert failed_bookings(verdict) == {}
    assert waited[0] < SHARE_S


@contextmanager
def frozen(cluster: Cluster, pod: Object) -> Iterator[None]:
    """Its process stands still, and its connections stay open: the worst of the ways to be ill."""
    socket = Path(cluster.kubeconfig).parent / "containerd.sock"
    if not socket.exists() or not shutil.which("ctr"):
        pytest.skip("the node's containerd is not on this machine")
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")

    def task(what: str) -> None:
        command = ["ctr", "-a", str(socket), "-n", "k8s.io", "tasks", what, container]
        subprocess.run(command, check=True, capture_output=True, timeout=30)  # noqa: S603

    task("pause")
    try:
        yield
    finally:
        task("resume")


def tickets(platform: Platform, count: int) -> None:
    platform.edit({"services": {"ticket": {"replicas": count}}})
    wait_until(lambda: ready_are(platform, count), within_s=SCALES_S)
    platform.wait_until_ready()


def ready_are(platform: Platform, count: int) -> str:
    ready = platform.deployment("ticket")["status"].get("readyReplicas", 0)
    return "" if ready == count else f"{ready} of {count} are ready"


def newcomer(platform: Platform, known: set[str]) -> str:
    """The pod that was not known and is ready; empty while there is none."""
    for pod in platform.pods("ticket"):
        told = {one["type"]: one["status"] for one in pod["status"].get("conditions", ())}
        if pod["metadata"]["name"] not in known and told.get("Ready") == "True":
            return str(pod["metadata"]["name"])
    return ""


def calls(platform: Platform, pod: str) -> float:
    """How many it has answered, by its own count; questions about its health are none."""
    assert TICKET.metrics is not None
    page = platform.cluster.page(platform.namespace, pod, TICKET.ports[TICKET.metrics.port], TICKET.metrics.path)
    return sum(map(float, re.findall(r'^rpc_server_handled_total\{.*method="ticket\..*\} (\S+)$', page, re.MULTILINE)))
