"""The operator on a real cluster, installed by its chart: one resource in, a platform out, a sale, and it stays so."""

from __future__ import annotations

import re
import time
from collections import Counter

import pytest

from services.kit.topology import topology
from tests.cluster.cluster import Cluster, Refused, wait_until
from tests.cluster.helm import Helm
from tests.cluster.platforms import NAME, OURS, READY_S, Platform
from tests.cluster.sale import failed_bookings, hold_sale

HEALED_S = 75
KINDS = "deployments,statefulsets,services,serviceaccounts,jobs,networkpolicies,secrets"
FRONTEND = topology().services["frontend"]
METRICS_PORT, RESTS_S = 9090, 70
# Of the operator's process; Helm's program, which runs now and then, is one of its own.
MEMORY_MIB = 120
pytestmark = pytest.mark.timeout(1500)


def test_the_minimal_sample_has_ten_services_ready_under_restricted_pod_security(
    cluster: Cluster, platform: Platform
) -> None:
    row = cluster.run("get", "tp", "-n", platform.namespace, "--no-headers").split()

    assert row[:5] == [NAME, "True", "Running", "0.1.0", "10/10"]


def test_a_sale_through_the_services_ends_well(cluster: Cluster, platform: Platform) -> None:
    verdict = hold_sale(cluster, platform.namespace, buyers=60, seed=5)

    assert verdict.holds, verdict
    assert verdict.confirmed > 0
    assert failed_bookings(verdict) == {}


def test_the_web_app_is_served_when_it_is_asked_for(cluster: Cluster, platform: Platform) -> None:
    platform.edit({"webApp": {"enabled": True}})
    platform.wait_until_ready()

    (pod,) = platform.pods("frontend")
    page = cluster.page(platform.namespace, pod["metadata"]["name"], FRONTEND.ports["http"], "/")
    assert platform.resource()["status"]["servicesReady"] == "11/11"
    assert "The Long Night Tour" in page, "its server has asked the gateway"

    platform.edit({"webApp": None})
    wait_until(lambda: " ".join(pod["metadata"]["name"] for pod in platform.pods("frontend")), within_s=HEALED_S)
    platform.wait_until_ready()


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"postgres": {"mode": "external", "storage": ""}}, "postgres.host is needed when mode is external"),
        ({"services": {"nobody": {"replicas": 1}}}, "the names are"),
    ],
)
def test_what_can_not_be_is_refused_at_the_door_with_its_field(
    platform: Platform, spec: dict[str, object], told: str
) -> None:
    with pytest.raises(Refused, match=told):
        platform.edit(spec)


def test_what_only_the_operator_can_see_is_told_in_the_status_and_changes_nothing(platform: Platform) -> None:
    platform.edit({"services": {"auth": {"env": {"API_TOKEN": "x"}}}})

    def told() -> str:
        stalled = platform.condition("Stalled")
        return "" if stalled["status"] == "True" and "looks like a secret" in stalled["message"] else str(stalled)

    wait_until(told, within_s=HEALED_S)
    platform.edit({"services": {"auth": None}})
    platform.wait_until_ready()


@pytest.mark.parametrize("kind", KINDS.split(","))
def test_what_is_deleted_is_back(cluster: Cluster, platform: Platform, kind: str) -> None:
    # Data are locked with the first two: that they are gone is told, and not healed. The stores here keep no volumes.
    kept = {"postgres-admin", "auth", "postgres", "kafka"}
    names = [one["metadata"]["name"] for one in cluster.get(kind, platform.namespace, OURS)]
    name = next(name for name in names if name not in kept)
    before = cluster.run("get", kind, name, "-n", platform.namespace, "-o", "jsonpath={.metadata.uid}")

    cluster.run("delete", kind, name, "-n", platform.namespace, "--wait=true", "--cascade=background")

    def missing() -> str:
        found = [one for one in cluster.get(kind, platform.namespace, OURS) if one["metadata"]["name"] == name]
        return "" if found and found[0]["metadata"]["uid"] != before else f"{kind} {name} is not back"

    wait_until(missing, within_s=HEALED_S)
    platform.wait_until_ready()


def test_what_is_edited_is_put_right_and_a_pause_lets_a_person_do_it(cluster: Cluster, platform: Platform) -> None:
    def scale(replicas: int) -> None:
        cluster.run("scale", "deployment/event", f"--replicas={replicas}", "-n", platform.namespace)

    def replicas() -> int:
        return int(platform.deployment("event")["spec"]["replicas"])

    scale(2)
    wait_until(lambda: "" if replicas() == 1 else f"{replicas()} replicas", within_s=HEALED_S)

    platform.edit({"paused": True})
    wait_until(lambda: "" if platform.condition("Paused")["status"] == "True" else "not paused", within_s=HEALED_S)
    scale(2)
    # More than a resync: there is nothing to wait for, this is about what does not happen.
    time.sleep(35)
    assert replicas() == 2

    platform.edit({"paused": False})
    wait_until(lambda: "" if replicas() == 1 else f"{replicas()} replicas", within_s=HEALED_S)
    platform.wait_until_ready()


def test_a_platform_at_rest_costs_no_write_hardly_a_read_and_little_memory(
    cluster: Cluster, operator: Helm, platform: Platform
) -> None:
    def versions() -> dict[str, str]:
        things = cluster.get(f"{KINDS},ticketingplatforms", platform.namespace, OURS)
        return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in things}

    platform.wait_until_ready(within_s=READY_S)
    # What the last change woke is looked at once more.
    time.sleep(10)
    before, asked_before = versions(), requests(cluster, operator)

    # More than two resyncs: there is nothing to wait for, this is about what does not happen.
    time.sleep(RESTS_S)

    asked = requests(cluster, operator) - asked_before
    writes = {verb: count for verb, count in asked.items() if verb not in {"get", "list"}}
    memory_mib = measured(cluster, operator, "process_resident_memory_bytes") / 2**20
    print(f"at rest, in {RESTS_S} s: {dict(asked)}, {memory_mib:.0f} MiB")
    assert versions() == before
    assert writes == {}
    assert asked.total() < 2 * RESTS_S / 60
    assert memory_mib < MEMORY_MIB


def requests(cluster: Cluster, operator: Helm) -> Counter[str]:
    """Verb → how many the operator has sent about objects: its own count, the Lease left out."""
    page = metrics_page(cluster, operator)
    counted: Counter[str] = Counter()
    for labels, count in re.findall(r"^ticketing_operator_api_requests_total\{(.*)\} (\S+)$", page, re.MULTILINE):
        said = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if said["kind"] != "Lease":
            counted[said["verb"].lower()] += int(float(count))
    return counted


def measured(cluster: Cluster, operator: Helm, name: str) -> float:
    (value,) = re.findall(rf"^{name} (\S+)$", metrics_page(cluster, operator), re.MULTILINE)
    return float(value)


def metrics_page(cluster: Cluster, operator: Helm) -> str:
    (pod,) = cluster.get("pods", operator.namespace)
    return cluster.page(operator.namespace, pod["metadata"]["name"], METRICS_PORT, "/metrics")
