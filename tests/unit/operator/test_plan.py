"""The order of a platform, what is ready, what is wrong with it, and what an edit would change: all from values."""

from __future__ import annotations

from typing import Any

import pytest
from ticketing_operator.diagnosis import findings
from ticketing_operator.diff import as_text, changes
from ticketing_operator.plan import levels, waves
from ticketing_operator.readiness import state_of

from services.kit.topology import topology


def thing(kind: str, name: str, service: str = "", **spec: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": service or name}
    return {"apiVersion": "x/v1", "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec}


def test_whoever_is_called_comes_before_its_callers() -> None:
    place = {name: number for number, level in enumerate(levels()) for name in level}

    for service in topology().services.values():
        for peer in service.calls:
            assert place[peer] < place[service.name], f"{peer} before {service.name}"


def test_the_web_app_comes_after_the_gateway_that_its_server_asks() -> None:
    place = {name: number for number, level in enumerate(levels()) for name in level}

    assert place["frontend"] > place["gateway"]


def test_stores_come_before_migrations_and_these_before_services_and_the_public_last() -> None:
    things = [
        thing("Ingress", "gateway"),
        thing("Deployment", "gateway"),
        thing("HorizontalPodAutoscaler", "ticket"),
        thing("Deployment", "ticket"),
        thing("Job", "ticket-migrate-1", "ticket"),
        thing("StatefulSet", "postgres"),
        thing("Service", "ticket"),
    ]

    order = [[f"{one['kind']}/{one['metadata']['name']}" for one in wave.objects] for wave in waves(things)]

    assert order == [
        ["Service/ticket", "StatefulSet/postgres"],
        ["Job/ticket-migrate-1"],
        ["Deployment/ticket", "HorizontalPodAutoscaler/ticket"],
        ["Deployment/gateway"],
        ["Ingress/gateway"],
    ]


@pytest.mark.parametrize(
    ("status", "ready", "failed"),
    [
        ({}, False, False),
        ({"observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}, False, False),
        ({"observedGeneration": 2, "updatedReplicas": 1, "availableReplicas": 2, "replicas": 3}, False, False),
        ({"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 1, "replicas": 2}, False, False),
        ({"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2, "replicas": 3}, False, False),
        ({"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}, True, False),
        (
            {
                "observedGeneration": 2,
                "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded", "status": "False"}],
            },
            False,
            True,
        ),
    ],
)
def test_a_deployment_is_ready_when_all_its_pods_are_new_and_available(
    status: dict[str, Any], ready: bool, failed: bool
) -> None:
    live = {"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status}

    state = state_of(live, rendered=live)

    assert (state.ready, state.failed) == (ready, failed)


def test_what_is_not_there_is_not_ready() -> None:
    assert not state_of(None, rendered=thing("Service", "ticket")).ready


def pod(service: str, **status: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app.kubernetes.io/name": service}}, "status": status}


def test_the_hopeless_is_told_first_and_a_crash_by_its_last_words() -> None:
    crashed = {
        "name": "schema",
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 1, "message": "trace\nno route to db:5432\n"}},
    }
    unpulled = {"name": "x", "image": "shop/x:9", "state": {"waiting": {"reason": "ImagePullBackOff"}}}

    found = findings([pod("auth", initContainerStatuses=[crashed]), pod("booking", containerStatuses=[unpulled])])

    assert [(one.service, one.hopeless) for one in found] == [("booking", True), ("auth", False)]
    assert found[0].message == "image shop/x:9 can not be pulled"
    assert found[1].message == "schema ended with 1: no route to db:5432"


def test_a_diff_says_what_would_be_made_changed_and_taken_away() -> None:
    before = [thing("Deployment", "ticket", replicas=1, image="a:1"), thing("Ingress", "gateway")]
    after = [thing("Deployment", "ticket", replicas=2, image="a:1"), thing("Service", "ticket")]

    text = as_text(changes(before, after), after)

    assert text.splitlines() == [
        "data stores:",
        "  + Service/ticket",
        "services 1:",
        "  ~ Deployment/ticket",
        "      spec.replicas: 1 → 2",
        "when all of that is ready:",
        "  - Ingress/gateway",
        "1 to create, 1 to change, 1 to delete",
    ]


def test_the_same_is_no_diff() -> None:
    things = [thing("Service", "ticket")]

    assert as_text(changes(things, things), things) == "nothing would change\n"
