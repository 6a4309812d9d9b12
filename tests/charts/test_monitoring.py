"""Dashboards, alerts and ServiceMonitors come out of the charts as the repository has them."""

from __future__ import annotations

import json
from pathlib import Path

import helm_python
import pytest
import yaml

from services.kit.topology import TABLE
from tests.charts.rendering import (
    CHARTS,
    NAMESPACE,
    RELEASE,
    Object,
    environment,
    kinds,
    objects_in,
    one,
    pod_of,
    render,
)

K8S = TABLE.parent / "k8s"
ON = {"dashboards": True, "alerts": True, "serviceMonitors": True, "labels": {"release": "prometheus"}}
OPERATORS = {"dashboard": True, "alerts": True, "serviceMonitor": True, "labels": {"release": "prometheus"}}


@pytest.fixture(scope="module")
def both() -> list[Object]:
    return [*render("platform", {"global": {"monitoring": ON}}), *render("operator", {"monitoring": OPERATORS})]


def of(objects: list[Object], kind: str) -> list[Object]:
    return [thing for thing in objects if thing["kind"] == kind]


def test_every_dashboard_is_in_a_config_map_that_the_sidecar_finds(both: list[Object]) -> None:
    rendered = {name: json.loads(text) for one in of(both, "ConfigMap") for name, text in one["data"].items()}

    assert rendered == {path.name: json.loads(path.read_text()) for path in (K8S / "dashboards").glob("*.json")}
    assert {one["metadata"]["labels"].get("grafana_dashboard") for one in of(both, "ConfigMap")} == {"1"}


def test_every_alert_is_in_a_rule_that_prometheus_selects(both: list[Object]) -> None:
    rendered = [group for one in of(both, "PrometheusRule") for group in one["spec"]["groups"]]
    written = [
        group
        for path in (K8S / "alerts").glob("*.yaml")
        for group in yaml.safe_load(path.read_text())["spec"]["groups"]
    ]

    def by_name(groups: list[Object]) -> list[Object]:
        return sorted(groups, key=lambda group: group["name"])

    assert by_name(rendered) == by_name(written), "with the braces of their sentences"
    assert {one["metadata"]["labels"].get("release") for one in of(both, "PrometheusRule")} == {"prometheus"}


def test_the_sidecars_label_can_be_another_one() -> None:
    labels = {"dashboards": True, "dashboardLabels": {"folder": "sales"}}

    for thing in of(render("platform", {"global": {"monitoring": labels}}), "ConfigMap"):
        assert thing["metadata"]["labels"]["folder"] == "sales"
        assert "grafana_dashboard" not in thing["metadata"]["labels"]


def test_nothing_of_it_is_there_unasked() -> None:
    unasked = kinds([*render("platform"), *render("operator")])

    assert not {"ConfigMap", "PrometheusRule", "ServiceMonitor"} & set(unasked)


@pytest.mark.parametrize(
    ("name", "values"), [("platform", {"global": {"monitoring": ON}}), ("operator", {"monitoring": OPERATORS})]
)
def test_a_packed_chart_has_them_too(name: str, values: Object, tmp_path: Path) -> None:
    packed = helm_python.package(CHARTS / name, destination=tmp_path)

    rendered = helm_python.Chart.load(packed).render(values, name=RELEASE, namespace=NAMESPACE)

    assert objects_in(rendered) == render(name, values)


def test_targets_and_samples_can_be_relabelled() -> None:
    drop = [{"action": "drop", "sourceLabels": ["__name__"], "regex": "python_.*"}]
    zone = [{"targetLabel": "zone", "replacement": "a"}]
    values = {"monitoring": ON | {"interval": "5s", "relabelings": zone, "metricRelabelings": drop}}

    (endpoint,) = one(render("booking", values), "ServiceMonitor")["spec"]["endpoints"]

    assert (endpoint["interval"], endpoint["relabelings"], endpoint["metricRelabelings"]) == ("5s", zone, drop)


def test_what_a_platform_of_the_operator_is_called_is_its_job() -> None:
    """Alerts name it."""
    monitor = one(render("operator", {"monitoring": OPERATORS}, name="another"), "ServiceMonitor")
    service = one(render("operator", {"monitoring": OPERATORS}, name="another"), "Service")

    assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "ticketing-operator"


def test_traces_go_to_the_collector_and_a_policy_lets_them() -> None:
    values = {"monitoring": {"traces": {"endpoint": "http://collector.observability:4317", "percent": 5}}}
    objects = render("booking", values)

    told = environment(pod_of(one(objects, "Deployment"))["containers"][0])
    egress = one(objects, "NetworkPolicy")["spec"]["egress"]

    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.observability:4317"
    assert told["TRACE_RATIO"] == "0.05"
    assert {"ports": [{"port": 4317}]} in egress


def test_without_a_collector_there_are_no_traces() -> None:
    told = environment(pod_of(one(render("booking"), "Deployment"))["containers"][0])

    assert not {"OTEL_EXPORTER_OTLP_ENDPOINT", "TRACE_RATIO"} & set(told)


def test_the_web_app_sends_no_traces() -> None:
    objects = render("frontend", {"monitoring": {"traces": {"endpoint": "http://collector:4317"}}})

    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in environment(pod_of(one(objects, "Deployment"))["containers"][0])


@pytest.mark.parametrize("endpoint", ["collector:4317", "http://collector", "http://collector:4317/v1/traces"])
def test_an_address_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(helm_python.HelmValuesError, match="/monitoring/traces/endpoint"):
        render("booking", {"monitoring": {"traces": {"endpoint": endpoint}}})
