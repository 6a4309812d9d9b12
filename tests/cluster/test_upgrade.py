"""Another version: in order and while a sale runs, stopped by a migration that fails, and back by editing back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from services.kit.topology import topology
from tests.cluster.cluster import VERSION, Cluster, wait_until
from tests.cluster.platforms import Platform
from tests.cluster.sale import failed_bookings, hold_sale, meanwhile

# The same images under another name (Makefile): what is told apart is the version, not what it does.
NEXT = "next"
SERVICES = topology().python_services
# As long as the rollout of ten services takes on two busy cores.
RUSH_S, BUYERS = 150.0, 150
# Three tries, ten and twenty seconds apart.
FAILED_S = 300
pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module", autouse=True)
def back_again(platform: Platform) -> Iterator[None]:
    """Every test begins where the one before ended, and goes to the other version; the last one ends at ours."""
    platform.wait_until_ready()
    yield
    platform.edit({"version": VERSION})
    platform.wait_until_ready()


def test_it_is_rolled_out_in_order_while_a_sale_runs_and_no_booking_fails(cluster: Cluster, platform: Platform) -> None:
    target, took = other_version(platform), list[float]()

    def upgrade() -> None:
        began = time.monotonic()
        platform.edit({"version": target})
        platform.wait_until_ready()
        took.append(time.monotonic() - began)

    verdict = hold_sale(cluster, platform.namespace, buyers=BUYERS, seed=7, rush_s=RUSH_S, around=meanwhile(upgrade))

    print(f"upgraded in {took[0]:.0f} s, meanwhile {verdict.confirmed} of {verdict.orders} confirmed, {verdict.crowd}")
    assert verdict.holds, verdict
    assert failed_bookings(verdict) == {}
    assert verdict.confirmed > BUYERS / 3
    assert versions(platform) == {target}
    assert out_of_order(cluster, platform, target) == []


def test_a_migration_that_fails_stops_it_and_the_old_version_serves_until_it_is_mended(
    cluster: Cluster, platform: Platform
) -> None:
    target, serving = other_version(platform), versions(platform)
    before = {pod["metadata"]["uid"] for service in SERVICES for pod in platform.pods(service.name)}
    head = platform.sql("SELECT version_num FROM booking.alembic_version")
    # The next version will want to make what is there already.
    platform.sql("UPDATE booking.alembic_version SET version_num = '0001'")

    platform.edit({"version": target})
    wait_until(lambda: stopped(platform), within_s=FAILED_S)

    assert "booking" in platform.condition("Stalled")["message"]
    assert {pod["metadata"]["uid"] for service in SERVICES for pod in platform.pods(service.name)} == before
    assert versions(platform) == serving
    verdict = hold_sale(cluster, platform.namespace, buyers=20, seed=9)
    assert verdict.holds, verdict

    # Mended, the same upgrade goes on when the Job is deleted, as docs/operations.md says.
    platform.sql(f"UPDATE booking.alembic_version SET version_num = '{head}'")  # noqa: S608 - read above
    failed = [job for job in cluster.get("jobs", platform.namespace) if job["status"].get("failed")]
    for job in failed:
        cluster.run("delete", "job", job["metadata"]["name"], "-n", platform.namespace)
    platform.wait_until_ready()
    assert versions(platform) == {target}


def test_editing_back_is_the_rollback(cluster: Cluster, platform: Platform) -> None:
    target, (serving,) = other_version(platform), versions(platform)
    platform.edit({"version": target})
    wait_until(lambda: "" if target in versions(platform) else "nothing is replaced yet", within_s=FAILED_S)

    # In the middle of it, when both versions serve.
    platform.edit({"version": serving})
    platform.wait_until_ready()

    assert versions(platform) == {serving}
    assert platform.resource()["status"]["version"] == serving
    verdict = hold_sale(cluster, platform.namespace, buyers=20, seed=8)
    assert verdict.holds, verdict


def stopped(platform: Platform) -> str:
    stalled = platform.condition("Stalled")
    return "" if (stalled["status"], stalled["reason"]) == ("True", "MigrationFailed") else f"Stalled: {dict(stalled)}"


def other_version(platform: Platform) -> str:
    return VERSION if versions(platform) == {NEXT} else NEXT


def versions(platform: Platform) -> set[str]:
    """Those that Deployments ask for: one, unless it is under way from one to another."""
    return {service["version"] for service in platform.resource()["status"]["services"]}


def out_of_order(cluster: Cluster, platform: Platform, version: str) -> list[str]:
    """Whoever was replaced too early: before all migrations were done, or before a peer whom it calls was."""
    jobs = cluster.get("jobs", platform.namespace, "app.kubernetes.io/component=migration")
    migrated = max(job["status"]["completionTime"] for job in jobs if image_of(job).endswith(f":{version}"))
    times = {service.name: rollout_of(platform, service.name) for service in SERVICES}
    hasty = [f"{name} before the schema" for name, (began, _) in times.items() if began < migrated]
    calls = [(service.name, peer) for service in SERVICES for peer in service.calls]
    return hasty + [f"{name} before {peer}" for name, peer in calls if times[name][0] < times[peer][1]]


def rollout_of(platform: Platform, service: str) -> tuple[str, str]:
    """When the first of its pods was made, and when the last of them was ready."""
    made = min(pod["metadata"]["creationTimestamp"] for pod in platform.pods(service))
    (progress,) = [one for one in platform.deployment(service)["status"]["conditions"] if one["type"] == "Progressing"]
    assert progress["reason"] == "NewReplicaSetAvailable"
    return made, progress["lastUpdateTime"]


def image_of(thing: Any) -> str:
    return str(thing["spec"]["template"]["spec"]["containers"][0]["image"])
