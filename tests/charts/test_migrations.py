"""Migration Jobs: what they do, in which order, and when there is a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.charts.rendering import containers, environment, one, pod_of, render


def name_with(values: Mapping[str, Any]) -> str:
    return str(one(render("auth", values), "Job")["metadata"]["name"])


def test_role_and_schema_come_first_then_tables_then_topics() -> None:
    job = one(render("auth"), "Job")

    steps = [(container["name"], " ".join(container["command"])) for container in containers(job)]

    assert steps == [
        ("schema", "/app/start -m services.kit.database.schemas auth"),
        ("migrate", "/app/start -m services.kit.database.migrate auth"),
        ("topics", "/app/start -m services.kit.bus.topics auth"),
    ]
    assert pod_of(job)["restartPolicy"] == "Never"


def test_only_the_first_step_knows_the_administrator() -> None:
    schema, migrate, topics = containers(one(render("auth"), "Job"))

    assert environment(schema)["POSTGRES_ADMIN_PASSWORD"] == "postgres-admin/password"
    for other in (migrate, topics):
        assert not [name for name in environment(other) if "ADMIN" in name]


def test_where_others_made_roles_and_topics_only_tables_are_made() -> None:
    stores = {"postgres": {"adminSecretName": ""}, "kafka": {"topics": {"create": False}}}

    (container,) = containers(one(render("auth", {"global": {"stores": stores}}), "Job"))

    assert container["name"] == "migrate"


def test_who_writes_no_topic_makes_none() -> None:
    assert [container["name"] for container in containers(one(render("user"), "Job"))] == ["schema", "migrate"]


@pytest.mark.parametrize(
    "change",
    [
        {"image": {"tag": "2.0.0"}},
        {"migrations": {"head": "0002"}},
        {"stores": {"postgres": {"host": "elsewhere"}}},
        {"resources": {"limits": {"memory": "1Gi"}}},
        {"global": {"nodeSelector": {"disk": "fast"}}},
    ],
    ids=str,
)
def test_whatever_changes_its_pod_is_another_job(change: Mapping[str, Any]) -> None:
    """A Job's pod can not be changed: an upgrade would fail."""
    assert name_with(change) != name_with({})


def test_what_does_not_touch_its_pod_leaves_it_alone() -> None:
    assert name_with({"replicas": 3, "monitoring": {"serviceMonitors": True}}) == name_with({})


def test_the_longest_name_fits() -> None:
    name = one(render("email-worker", {"migrations": {"head": "a" * 20}}), "Job")["metadata"]["name"]

    assert len(name) <= 63


def test_pods_wait_for_their_schema() -> None:
    (waits,) = pod_of(one(render("auth"), "Deployment"))["initContainers"]

    assert waits["command"] == ["/app/start", "-m", "services.kit.database.migrate", "--wait", "auth"]
    assert "initContainers" not in pod_of(one(render("gateway"), "Deployment"))
