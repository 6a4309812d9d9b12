"""Every chart with every switch, before a real API server: strict fields, Pod Security, kinds of other projects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.charts.rendering import NAMES, kinds, render
from tests.cluster.cluster import REPOSITORY, Cluster, Refused
from tests.cluster.definitions import defined, published
from tests.cluster.helm import STORES

PUBLIC = {"host": "tickets.example.com", "ingress": {"enabled": True, "className": "nginx", "tlsSecretName": "tls"}}
ROUTE = {"host": "tickets.example.com", "httpRoute": {"enabled": True, "parentRefs": [{"name": "edge"}]}}
PLACED = {
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "sale", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "podAnnotations": {"a": "b"},
    "podLabels": {"c": "d"},
}
MONITORED = {"serviceMonitors": True, "dashboards": True, "alerts": True, "labels": {"release": "p"}}
WAYS: Mapping[str, Mapping[str, Any]] = {
    "as it comes": {},
    "everything": {
        "global": {"replicas": 3, "monitoring": MONITORED, "mesh": {"mtls": "strict"}, "public": PUBLIC, **PLACED}
    },
    "by CPU, with routes": {"global": {"autoscaling": {"mode": "cpu", "minReplicas": 2}, "public": ROUTE}},
    "by sockets": {"realtime": {"autoscaling": {"mode": "hpa"}}},
    "by KEDA": {"realtime": {"autoscaling": {"mode": "keda", "minReplicas": 2}}},
    "by KEDA and Prometheus": {"realtime": {"autoscaling": {"mode": "keda", "prometheus": "http://p:9090"}}},
    "for development": yaml.safe_load((REPOSITORY / "k8s/values/development.yaml").read_text()),
    "with stores of one's own": yaml.safe_load((REPOSITORY / "k8s/external/values.yaml").read_text()),
    "with Stripe and mail": {
        "global": {
            "payments": {"provider": "stripe"},
            "mail": {"host": "smtp", "tls": "starttls", "secretName": "mail"},
        }
    },
    "with Secrets": {"secrets": {"redis": {"password": "a secret"}, "auth": {"key-secret": "another secret of ours"}}},
}


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """With other projects' definitions in the cluster."""
    with defined(cluster, published()), cluster.namespace("manifests") as name:
        yield name


@pytest.mark.parametrize("way", WAYS)
def test_the_platform_is_valid_to_its_last_field(cluster: Cluster, namespace: str, way: str) -> None:
    objects = render("platform", WAYS[way], namespace=namespace)

    said = cluster.apply(namespace, objects, "--dry-run=server")

    assert said.count("serverside-applied (server dry run)") == len(objects)


@pytest.mark.parametrize("values", [{}, STORES], ids=str)
def test_the_stores_are_valid(cluster: Cluster, namespace: str, values: Mapping[str, Any]) -> None:
    objects = render("datastores", values, namespace=namespace)

    cluster.apply(namespace, objects, "--dry-run=server")


@pytest.mark.parametrize("watched", [[], ["here"]], ids=["everywhere", "one namespace"])
def test_the_operator_is_valid(cluster: Cluster, namespace: str, watched: list[str]) -> None:
    values = {
        "namespaces": [namespace] if watched else [],
        "monitoring": {"serviceMonitor": True, "alerts": True, "dashboard": True},
    }
    objects = render("operator", values, namespace=namespace)

    # Another field manager than the chart's own release, which may be installed here.
    cluster.apply(namespace, objects, "--dry-run=server", "--force-conflicts")


def test_all_kinds_that_charts_know_were_tried() -> None:
    """A kind that only some switch renders would otherwise be forgotten here."""
    tried = {kind for values in WAYS.values() for kind in kinds(render("platform", values))}

    assert tried == {
        "ServiceAccount", "Service", "Deployment", "Job", "NetworkPolicy", "PodDisruptionBudget", "Secret", "Ingress",
        "HTTPRoute", "ServiceMonitor", "PrometheusRule", "ConfigMap", "HorizontalPodAutoscaler", "ScaledObject",
    }  # fmt: skip
    assert len(NAMES) == 10


def test_a_field_that_nobody_knows_is_noticed(cluster: Cluster, namespace: str) -> None:
    """That the checks above can fail at all."""
    objects = [thing for thing in render("auth", namespace=namespace) if thing["kind"] == "Deployment"]
    objects[0]["spec"]["replica"] = 2

    with pytest.raises(Refused, match="replica"):
        cluster.apply(namespace, objects, "--dry-run=server")


def test_a_pod_with_more_rights_would_be_refused(cluster: Cluster, namespace: str) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "root"},
        "spec": {"containers": [{"name": "root", "image": "docker.io/valkey/valkey:9"}]},
    }
    with pytest.raises(Refused, match='violates PodSecurity "restricted'):
        cluster.apply(namespace, [pod], "--dry-run=server")
