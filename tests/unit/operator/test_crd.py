"""The custom resource's definition and the specification's types are one thing."""

from collections.abc import Iterator
from typing import Any

import pytest
from ticketing_operator.crd import LONGEST_NAME, definition
from ticketing_operator.refusals import refuse_nonsense
from ticketing_operator.spec import WrongSpec, read_spec


def schema() -> dict[str, Any]:
    found: dict[str, Any] = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def nodes(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, inner in node.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in node:
            yield from nodes(node[key], f"{path}.{key}")


def test_the_schema_is_structural() -> None:
    for path, node in nodes(schema()):
        assert "type" in node, f"{path} has no type"
        assert not ({"$ref", "anyOf", "title"} & node.keys()), path
        assert not ("properties" in node and "additionalProperties" in node), path


def test_every_list_and_map_of_a_specification_has_a_bound() -> None:
    """Rules cost what the longest input costs, and the API server refuses a definition that might cost too much."""
    for path, node in nodes(schema()["properties"]["spec"]):
        if node["type"] == "array":
            assert "maxItems" in node, path
        if "additionalProperties" in node:
            assert "maxProperties" in node, path


def test_defaults_of_the_definition_are_those_of_the_types() -> None:
    spec = read_spec({"version": "1"})
    defaults = {
        name: node["default"]
        for name, node in schema()["properties"]["spec"]["properties"].items()
        if "default" in node
    }

    assert read_spec({"version": "1"} | defaults) == spec


def test_a_status_has_no_defaults() -> None:
    assert [path for path, node in nodes(schema()["properties"]["status"]) if "default" in node] == []


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({}, "spec"),
        ({"version": 1}, "spec.version"),
        ({"version": "1", "typo": True}, "spec"),
        ({"version": "1", "postgres": {"port": "x"}}, "spec.postgres.port"),
        ({"version": "1", "postgres": {"mode": "external"}}, "spec.postgres.host"),
        ({"version": "1", "postgres": {"mode": "external", "host": "db"}}, "spec.postgres.secretName"),
        ({"version": "1", "redis": {"mode": "external"}}, "spec.redis.host"),
        ({"version": "1", "kafka": {"mode": "external"}}, "spec.kafka.brokers"),
        ({"version": "1", "kafka": {"mode": "external", "brokers": "no port"}}, "spec.kafka.brokers"),
        ({"version": "1", "payments": {"provider": "stripe"}}, "spec.payments.secretName"),
        ({"version": "1", "gateway": {"ingress": {}}}, "spec.gateway.host"),
        ({"version": "1", "services": {"nobody": {}}}, "spec.services.nobody"),
        ({"version": "1", "services": {"auth": {"env": {"1A": "x"}}}}, "spec.services.auth.env.1A"),
        ({"version": "1", "services": {"auth": {"env": {"REDIS_HOST": "x"}}}}, "spec.services.auth.env.REDIS_HOST"),
        ({"version": "1", "services": {"auth": {"env": {"MY_TOKEN": "x"}}}}, "spec.services.auth.env.MY_TOKEN"),
        (
            {"version": "1", "services": {"auth": {"resources": {"limits": {"cpu": "many"}}}}},
            "spec.services.auth.resources.limits.cpu",
        ),
    ],
)
def test_a_wrong_specification_names_its_field(spec: dict[str, Any], field: str) -> None:
    with pytest.raises(WrongSpec) as refused:
        refuse_nonsense("tickets", read_spec(spec))

    assert refused.value.field == field


def test_a_name_longer_than_helm_takes_is_refused() -> None:
    with pytest.raises(WrongSpec, match=f"at most {LONGEST_NAME}"):
        refuse_nonsense("a" * 63, read_spec({"version": "1"}))


def test_settings_of_services_that_only_sound_secret_are_accepted() -> None:
    env = {"PASSWORD_THREADS": "4", "ACCESS_TOKEN_LASTS_S": "600", "POSTGRES_POOL": "9"}

    refuse_nonsense("tickets", read_spec({"version": "1", "services": {"auth": {"env": env}}}))
