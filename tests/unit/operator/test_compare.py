"""When a live object counts as changed, and when it does not."""

import copy
from typing import Any

import pytest
from ticketing_operator.compare import differences, fingerprint


def deployment() -> dict[str, Any]:
    return {
        "metadata": {"name": "booking", "labels": {"a": "b"}},
        "spec": {
            "replicas": 2,
            "template": {
                "spec": {
                    "containers": [
                        {
                            "name": "booking",
                            "image": "booking:1",
                            "command": ["a", "b"],
                            "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}],
                            "resources": {"limits": {"cpu": "0.5", "memory": "1Gi"}},
                            "ports": [{"name": "grpc", "containerPort": 1}],
                        }
                    ]
                }
            },
        },
    }


def container(thing: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = thing["spec"]["template"]["spec"]["containers"][0]
    return found


def test_what_the_api_server_adds_is_no_difference() -> None:
    live = copy.deepcopy(deployment())
    live["status"] = {"replicas": 2}
    live["metadata"] |= {"uid": "1", "managedFields": []}
    live["spec"]["strategy"] = {"type": "RollingUpdate"}
    container(live)["terminationMessagePath"] = "/dev/termination-log"
    container(live)["ports"] = [{"name": "grpc", "containerPort": 1, "protocol": "TCP"}]
    container(live)["resources"] = {"limits": {"cpu": "500m", "memory": "1Gi"}}

    assert differences(deployment(), live) == []


def test_entries_that_were_added_to_lists_of_ours_are_edits() -> None:
    live = copy.deepcopy(deployment())
    container(live)["env"].insert(0, {"name": "ADDED", "value": "x"})
    live["spec"]["template"]["spec"]["containers"].append({"name": "sidecar"})

    assert differences(deployment(), live) == [
        "spec.template.spec.containers[booking].env[ADDED]",
        "spec.template.spec.containers[sidecar]",
    ]


@pytest.mark.parametrize(
    ("path", "edit"),
    [
        ("spec.replicas", lambda live: live["spec"].update(replicas=0)),
        ("metadata.labels.a", lambda live: live["metadata"]["labels"].clear()),
        ("spec.template.spec.containers[booking].image", lambda live: container(live).update(image="booking:2")),
        ("spec.template.spec.containers[booking].command", lambda live: container(live)["command"].append("c")),
        ("spec.template.spec.containers[booking].env[Y]", lambda live: container(live)["env"].pop()),
        (
            "spec.template.spec.containers[booking].env[X].value",
            lambda live: container(live)["env"][0].update(value="9"),
        ),
        (
            "spec.template.spec.containers[booking].resources.limits.cpu",
            lambda live: container(live)["resources"]["limits"].update(cpu="600m"),
        ),
    ],
)
def test_an_edit_of_a_field_of_ours_is_told_by_its_path(path: str, edit: Any) -> None:
    live = copy.deepcopy(deployment())
    edit(live)

    assert differences(deployment(), live) == [path]


def test_lists_that_are_no_maps_count_as_a_whole() -> None:
    rendered = {"spec": {"ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 1}]}]}}

    assert differences(rendered, {"spec": {"ingress": [*rendered["spec"]["ingress"], {}]}}) == ["spec.ingress"]


@pytest.mark.parametrize(("ours", "theirs"), [("1000m", "1"), (1, "1"), ("1024Mi", "1Gi"), (0.5, "500m")])
def test_one_quantity_has_many_spellings(ours: object, theirs: object) -> None:
    assert differences({"cpu": ours}, {"cpu": theirs}) == []


def test_true_is_not_one() -> None:
    assert differences({"hostNetwork": 1}, {"hostNetwork": "true"}) == ["hostNetwork"]


def test_a_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
