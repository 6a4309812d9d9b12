"""Who owns the number of replicas, and by what it goes."""

from __future__ import annotations

import helm_python
import pytest

from tests.charts.rendering import NAMES, kinds, one, render


@pytest.mark.parametrize("name", NAMES)
def test_the_number_is_left_to_an_autoscaler(name: str) -> None:
    fixed = render(name, {"replicas": 3})
    scaled = render(name, {"replicas": 3, "autoscaling": {"mode": "cpu", "minReplicas": 2, "maxReplicas": 6}})

    assert one(fixed, "Deployment")["spec"]["replicas"] == 3
    assert "replicas" not in one(scaled, "Deployment")["spec"]
    spec = one(scaled, "HorizontalPodAutoscaler")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 6)
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    assert "PodDisruptionBudget" in kinds(scaled)


def test_realtime_scales_by_its_sockets() -> None:
    objects = render("realtime", {"autoscaling": {"mode": "hpa", "connectionsPerPod": 250}})

    (metric,) = one(objects, "HorizontalPodAutoscaler")["spec"]["metrics"]

    assert metric["pods"]["metric"]["name"] == "realtime_sockets"
    assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": "250"}


def test_keda_asks_the_pods_themselves() -> None:
    objects = render("realtime", {"autoscaling": {"mode": "keda", "connectionsPerPod": 250}})

    (trigger,) = one(objects, "ScaledObject")["spec"]["triggers"]

    assert "replicas" not in one(objects, "Deployment")["spec"]
    assert trigger["type"] == "metrics-api"
    assert trigger["metadata"]["url"] == "http://realtime.box.svc:9057/metrics"
    assert trigger["metadata"]["targetValue"] == "250"


def test_keda_asks_prometheus_where_there_is_one() -> None:
    auto = {"mode": "keda", "prometheus": "http://prometheus:9090"}

    (trigger,) = one(render("realtime", {"autoscaling": auto}), "ScaledObject")["spec"]["triggers"]

    assert trigger["type"] == "prometheus"
    assert trigger["metadata"]["query"] == 'sum(realtime_sockets{namespace="box"})'


def test_scaling_down_moves_sockets_one_pod_at_a_time() -> None:
    down = one(render("realtime", {"autoscaling": {"mode": "hpa"}}), "HorizontalPodAutoscaler")["spec"]["behavior"][
        "scaleDown"
    ]

    assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 60}]


@pytest.mark.parametrize("mode", ["hpa", "keda"])
def test_who_has_no_sockets_does_not_scale_by_them(mode: str) -> None:
    with pytest.raises(helm_python.HelmRenderError, match=r"autoscaling\.mode: .* counts sockets, and auth has none"):
        render("auth", {"autoscaling": {"mode": mode}})


def test_the_least_is_no_more_than_the_most() -> None:
    with pytest.raises(helm_python.HelmRenderError, match=r"autoscaling\.minReplicas: 7 is more than maxReplicas, 5"):
        render("auth", {"autoscaling": {"mode": "cpu", "minReplicas": 7}})
