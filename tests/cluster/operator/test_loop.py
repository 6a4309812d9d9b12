"""The loop against a real API server: it converges, rests, heals, stops and goes back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from ticketing_operator.names import Kind, Ref

from tests.cluster.controllers import DEPLOYMENT, JOB
from tests.cluster.operator.conftest import World

SECRET = Kind("v1", "Secret")
MINIMAL: dict[str, Any] = {"version": "1.0.0"}
# Asks for at least one object of every kind that needs no other project.
SIDECAR: dict[str, Any] = {"name": "sidecar", "image": "busybox"}
EVERYTHING: dict[str, Any] = MINIMAL | {
    "gateway": {"replicas": 2, "host": "tickets.example.com", "ingress": {"className": "nginx"}},
    "services": {"booking": {"autoscaling": {"mode": "cpu"}}},
}


def image_of(deployment: dict[str, Any]) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


async def test_a_minimal_platform_gets_ready_and_then_costs_nothing(world: World) -> None:
    await world.ask(MINIMAL)
    operator = world.operator()

    verdict = await operator.until_settled()
    operator.recording.sent.clear()
    for _ in range(3):
        await operator.look()

    status = (await world.platform())["status"]
    assert verdict.state == "ready"
    assert (status["servicesReady"], status["version"]) == ("10/10", "1.0.0")
    assert operator.recording.sent == [], "a pass over a settled platform neither writes nor reads"


async def test_with_the_web_app_there_are_eleven_and_without_it_ten_again(world: World) -> None:
    await world.ask(MINIMAL | {"webApp": {"enabled": True, "replicas": 2}})
    operator = world.operator()
    await operator.until_settled()
    beside = (await world.platform())["status"]

    await world.ask(MINIMAL)
    await operator.until_settled()

    without = (await world.platform())["status"]
    assert (beside["servicesReady"], beside["services"][-1]["name"]) == ("11/11", "frontend")
    assert beside["services"][-1]["desired"] == 2
    assert without["servicesReady"] == "10/10"
    assert [thing for thing in await world.controllers.owned() if thing["metadata"]["name"] == "frontend"] == []


async def test_an_operator_that_starts_anew_changes_nothing(world: World) -> None:
    await world.ask(MINIMAL)
    await world.operator().until_settled()
    successor = world.operator()

    await successor.look()

    assert successor.recording.writes == []


async def test_every_object_that_was_edited_or_deleted_is_as_it_was_after_one_pass(world: World) -> None:
    await world.ask(EVERYTHING)
    operator = world.operator()
    await operator.until_settled()
    before = {Ref.of(thing): thing for thing in await world.controllers.owned()}

    edited = await edit_one_field_of_each(world, before)
    await operator.look()
    after_edits = {Ref.of(thing): thing for thing in await world.controllers.owned()}
    for ref in before:
        await world.controllers.delete(ref.kind, ref.name)
    await operator.until_settled()
    after_deletions = {Ref.of(thing) for thing in await world.controllers.owned()}

    assert {ref.kind.kind for ref in edited} == {ref.kind.kind for ref in before} - {"Job"}
    changed = {ref for ref in edited if asked(before[ref]) != asked(after_edits[ref])}
    assert changed == set(), "these stayed as they were edited"
    assert after_deletions == before.keys()


async def test_what_is_no_longer_asked_for_is_taken_away_when_the_rest_is_ready(world: World) -> None:
    await world.ask(EVERYTHING)
    operator = world.operator()
    await operator.until_settled()

    await world.ask(MINIMAL)
    await operator.until_settled()

    kinds = {thing["kind"] for thing in await world.controllers.owned()}
    assert not kinds & {"Ingress", "HorizontalPodAutoscaler", "PodDisruptionBudget"}


async def test_what_others_made_in_the_namespace_stays(world: World) -> None:
    theirs = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "theirs"}, "spec": {"ports": [{"port": 1}]}}
    await world.controllers.create(theirs)
    await world.ask(MINIMAL)

    await world.operator().until_settled()

    assert "theirs" in {thing["metadata"]["name"] for thing in await world.controllers.all(Kind("v1", "Service"))}


async def test_a_paused_platform_is_looked_at_and_not_touched(world: World) -> None:
    await world.ask(MINIMAL)
    operator = world.operator()
    await operator.until_settled()
    await world.ask(MINIMAL | {"paused": True})
    await world.controllers.patch(DEPLOYMENT, "booking", {"spec": {"replicas": 3}})
    await operator.look()
    operator.recording.sent.clear()

    await operator.look()

    assert operator.recording.writes == []
    assert (await world.condition("Paused"))["status"] == "True"
    await world.ask(MINIMAL)
    await operator.until_settled()
    (booking,) = [one for one in await world.controllers.all(DEPLOYMENT) if one["metadata"]["name"] == "booking"]
    assert booking["spec"]["replicas"] == 1


async def test_an_upgrade_migrates_first_and_then_goes_from_the_called_to_their_callers(world: World) -> None:
    await world.ask(MINIMAL)
    operator = world.operator()
    await operator.until_settled()
    await world.ask(MINIMAL | {"version": "2.0.0"})
    order: list[set[str]] = []

    for _ in range(12):
        verdict = await operator.look()
        assert verdict is not None
        new = {
            one["metadata"]["name"]
            for one in await world.controllers.all(DEPLOYMENT)
            if image_of(one).endswith(":2.0.0")
        }
        if not order or new != order[-1]:
            order.append(new)
        await world.controllers.everything_gets_ready()
        if verdict.state == "ready":
            break

    steps = [after - before for before, after in pairwise(order)]
    assert order[0] == set(), "nothing is replaced before the migrations are through"
    assert steps == [
        {"auth", "ticket", "realtime", "email-worker"},
        {"payment", "user", "event"},
        {"booking"},
        {"gateway", "booking-worker"},
    ]
    assert (await world.platform())["status"]["version"] == "2.0.0"


async def test_a_failed_migration_stops_the_upgrade_and_the_old_version_goes_on(world: World) -> None:
    await world.ask(MINIMAL)
    operator = world.operator()
    await operator.until_settled()
    await world.ask(MINIMAL | {"version": "2.0.0"})
    await operator.look()
    jobs = [job["metadata"]["name"] for job in await world.controllers.all(JOB)]
    new = [name for name in jobs if name.startswith("booking-migrate") and not await is_done(world, name)]

    await world.controllers.job_fails(new[0], "column is missing")
    await world.controllers.everything_gets_ready()
    for _ in range(3):
        await operator.look()

    assert {image_of(one).rpartition(":")[2] for one in await world.controllers.all(DEPLOYMENT)} == {"1.0.0"}
    stalled = await world.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "MigrationFailed")
    assert "booking-migrate" in stalled["message"]
    assert "column is missing" in stalled["message"]
    assert (await world.platform())["status"]["version"] == "1.0.0"


async def test_editing_back_is_a_rollback(world: World) -> None:
    await world.ask(MINIMAL)
    operator = world.operator()
    await operator.until_settled()
    await world.ask(MINIMAL | {"version": "2.0.0"})
    await operator.look()
    await world.controllers.everything_gets_ready()
    await operator.look()
    await world.controllers.rollout_hangs("ticket")
    await operator.look()
    stalled = await world.condition("Stalled")

    await world.ask(MINIMAL)
    await operator.until_settled()

    assert (stalled["status"], stalled["reason"]) == ("True", "RolloutFailed")
    assert "Deployment/ticket" in stalled["message"]
    assert {image_of(one).rpartition(":")[2] for one in await world.controllers.all(DEPLOYMENT)} == {"1.0.0"}
    assert (await world.condition())["status"] == "True"


@pytest.mark.parametrize("name", ["postgres-admin", "auth"])
async def test_a_secret_that_data_are_locked_with_is_missed_and_not_made_anew(world: World, name: str) -> None:
    await world.ask(MINIMAL)
    operator = world.operator()
    await operator.until_settled()

    await world.controllers.delete(SECRET, name)
    await operator.look()

    stalled = await world.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "MissingSecret")
    assert f"the Secret {name} is gone" in stalled["message"]
    assert name not in {secret["metadata"]["name"] for secret in await world.controllers.all(SECRET)}


async def test_a_lost_password_is_made_anew_and_set_by_the_migration_before_pods_start_again(world: World) -> None:
    await world.ask(MINIMAL)
    operator = world.operator()
    await operator.until_settled()
    jobs = {job["metadata"]["name"]: job["metadata"]["uid"] for job in await world.controllers.all(JOB)}
    pods = {one["metadata"]["name"]: one["spec"]["template"] for one in await world.controllers.all(DEPLOYMENT)}

    await world.controllers.delete(SECRET, "booking-postgres")
    await operator.until_settled()

    again = {job["metadata"]["name"]: job["metadata"]["uid"] for job in await world.controllers.all(JOB)}
    new_pods = {one["metadata"]["name"]: one["spec"]["template"] for one in await world.controllers.all(DEPLOYMENT)}
    assert again.keys() == jobs.keys()
    assert [name.partition("-migrate")[0] for name in jobs if again[name] != jobs[name]] == ["booking"]
    assert [name for name in pods if new_pods[name] != pods[name]] == ["booking"]


async def test_an_autoscaler_takes_over_the_pods_that_are_there(world: World) -> None:
    await world.ask(MINIMAL | {"services": {"booking": {"replicas": 3}}})
    operator = world.operator()
    await operator.until_settled()

    await world.ask(MINIMAL | {"services": {"booking": {"autoscaling": {"mode": "cpu"}}}})
    await operator.until_settled()
    kept = await replicas_of(world, "booking")
    await world.controllers.patch(DEPLOYMENT, "booking", {"spec": {"replicas": 5}})
    await operator.until_settled()
    scaled = await replicas_of(world, "booking")
    await world.ask(MINIMAL)
    await operator.until_settled()

    assert (kept, scaled, await replicas_of(world, "booking")) == (3, 5, 1)


async def test_what_an_autoscaler_looks_after_is_woken_when_somebody_scaled_it_to_none(world: World) -> None:
    await world.ask(MINIMAL | {"services": {"booking": {"autoscaling": {"mode": "cpu"}}}})
    operator = world.operator()
    await operator.until_settled()

    await world.controllers.patch(DEPLOYMENT, "booking", {"spec": {"replicas": 0}})
    await operator.until_settled()
    woken = await replicas_of(world, "booking")
    operator.recording.sent.clear()
    await operator.look()

    assert woken == 1
    assert operator.recording.sent == []


async def replicas_of(world: World, name: str) -> int:
    (one,) = [one for one in await world.controllers.all(DEPLOYMENT) if one["metadata"]["name"] == name]
    return int(one["spec"]["replicas"])


async def is_done(world: World, name: str) -> bool:
    (job,) = [job for job in await world.controllers.all(JOB) if job["metadata"]["name"] == name]
    return any(condition["type"] == "Complete" for condition in job.get("status", {}).get("conditions", ()))


def asked(thing: dict[str, Any]) -> Any:
    """What of an object somebody asked for."""
    meta = thing["metadata"]
    return thing.get("spec"), meta["labels"], meta.get("annotations"), meta["ownerReferences"]


async def edit_one_field_of_each(world: World, things: dict[Ref, dict[str, Any]]) -> list[Ref]:
    """By a person with a merge patch: a label of ours, and where there is one, a number or a list of the spec."""
    edits: dict[str, dict[str, Any]] = {
        "Deployment": {"spec": {"minReadySeconds": None, "template": {"spec": {"containers": [SIDECAR]}}}},
        "Service": {"spec": {"ports": [{"port": 1, "name": "other"}]}},
        "NetworkPolicy": {"spec": {"ingress": [{}]}},
        "HorizontalPodAutoscaler": {"spec": {"maxReplicas": 99}},
        "PodDisruptionBudget": {"spec": {"maxUnavailable": "50%"}},
        "Ingress": {"spec": {"rules": [{"host": "elsewhere.example.com"}]}},
        "StatefulSet": {"spec": {"replicas": 0}},
    }
    editable = [ref for ref in things if ref.kind.kind != "Job"]  # A Job is history: run once, never changed.
    for ref in editable:
        label = {"metadata": {"labels": {"app.kubernetes.io/part-of": "somebody"}}}
        await world.controllers.patch(ref.kind, ref.name, label | edits.get(ref.kind.kind, {}))
    return editable
