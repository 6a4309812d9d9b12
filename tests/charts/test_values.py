"""What values do, and which are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import helm_python
import pytest
import yaml

from tests.charts.rendering import CHARTS, NAMES, chart, environment, one, pod_of, render

DEFAULTS = yaml.safe_load((CHARTS / "workload/charts/defaults/values.yaml").read_text())


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"replicas": "two"}, "at '/replicas': got string, want integer"),
        ({"replica": 2}, "additional properties 'replica' not allowed"),
        ({"global": {"logLvel": "info"}}, "additional properties 'logLvel' not allowed"),
        ({"autoscaling": {"mode": "auto"}}, "at '/autoscaling/mode': value must be one of"),
        ({"image": {"tag": "a b"}}, "at '/image/tag'"),
        ({"env": {"lower": "1"}}, "lower"),
        ({"stores": {"kafka": {"brokers": "kafka"}}}, "at '/stores/kafka/brokers'"),
        ({"stores": {"postgres": {"port": 70000}}}, "at '/stores/postgres/port'"),
        ({"payments": {"provider": "paypal"}}, "at '/payments/provider'"),
        ({"mesh": {"mtls": "on"}}, "at '/mesh/mtls'"),
        ({"mesh": {"certificateDays": 7}}, "at '/mesh/certificateDays'"),
        ({"public": {"host": "https://x"}}, "at '/public/host'"),
        ({"resources": {"limits": {"memory": "lots"}}}, "at '/resources/limits/memory'"),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused_by_name(values: Mapping[str, Any], told: str) -> None:
    with pytest.raises(helm_python.HelmValuesError) as refused:
        render("auth", values)

    assert told in str(refused.value)


@pytest.mark.parametrize("name", NAMES)
def test_global_and_own_values_render_the_same(name: str) -> None:
    shared = {
        "image": {"registry": "r.example.com", "tag": "9"},
        "logLevel": "debug",
        "stores": {"redis": {"secretName": ""}},
        "monitoring": {"serviceMonitors": True, "labels": {"release": "p"}},
        "networkPolicies": {"enabled": False},
        "replicas": 2,
    }

    assert render(name, {"global": shared}) == render(name, shared)


def test_own_values_win_over_global_ones() -> None:
    objects = render("auth", {"global": {"replicas": 5, "env": {"A": "1", "B": "1"}}, "replicas": 2, "env": {"B": "2"}})

    deployment = one(objects, "Deployment")

    told = environment(pod_of(deployment)["containers"][0])
    assert (deployment["spec"]["replicas"], told["A"], told["B"]) == (2, "1", "2")


def test_empty_values_count() -> None:
    """Sprig's own merge would keep the default."""
    objects = render("gateway", {"stores": {"redis": {"secretName": ""}}, "replicas": 0})

    assert "REDIS_PASSWORD" not in environment(pod_of(one(objects, "Deployment"))["containers"][0])
    assert one(objects, "Deployment")["spec"]["replicas"] == 0


def test_numbers_are_written_as_people_write_them() -> None:
    objects = render("gateway", {"env": {"QUEUE_LIMIT": 2_000_000, "TRACE_RATIO": 0.5, "X": True}})

    told = environment(pod_of(one(objects, "Deployment"))["containers"][0])

    assert (told["QUEUE_LIMIT"], told["TRACE_RATIO"], told["X"]) == ("2000000", "0.5", "true")


@pytest.mark.parametrize("name", NAMES)
def test_a_charts_own_values_do_not_repeat_the_defaults(name: str) -> None:
    own = yaml.safe_load((CHARTS / name / "values.yaml").read_text()) or {}

    assert own.keys() <= DEFAULTS.keys()
    assert {key: value for key, value in own.items() if value == DEFAULTS[key]} == {}


def test_every_default_is_in_the_schema_and_every_property_has_a_default() -> None:
    schema = chart("auth").schema

    assert schema is not None
    assert schema["properties"].keys() - {"global", "workload"} == DEFAULTS.keys()
    for name, value in DEFAULTS.items():
        part = schema["properties"][name]
        if part.get("additionalProperties") is False:
            assert part["properties"].keys() == value.keys(), name


def test_the_public_address_reaches_whoever_writes_links() -> None:
    public = {"host": "tickets.example.com", "ingress": {"enabled": True, "tlsSecretName": "tls"}}

    payment = environment(pod_of(one(render("payment", {"public": public}), "Deployment"))["containers"][0])
    mail = environment(pod_of(one(render("email-worker", {"public": public}), "Deployment"))["containers"][0])

    assert payment["PUBLIC_URL"] == mail["MAIL_SITE_URL"] == "https://tickets.example.com"


def test_an_ingress_needs_a_host() -> None:
    with pytest.raises(helm_python.HelmRenderError, match=r"public\.host: is needed"):
        render("gateway", {"public": {"ingress": {"enabled": True}}})


def test_a_route_needs_its_gateway() -> None:
    with pytest.raises(helm_python.HelmRenderError, match=r"public\.httpRoute\.parentRefs"):
        render("gateway", {"public": {"httpRoute": {"enabled": True}}})
