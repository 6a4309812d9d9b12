"""The real metrics-server, where a cluster has none: by its CPU counts a HorizontalPodAutoscaler scales."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.cluster.cluster import HELPER, Cluster, Refused, wait_until
from tests.cluster.images import image

PACKAGE, NAME = "sigs.k8s.io/metrics-server/cmd/metrics-server@v0.9.0", "metrics-server"
IMAGE, NAMESPACE = f"localhost/{NAME}:v0.9.0", "kube-system"
READY_S = 120
MANIFESTS = Path(__file__).parent / "manifests/metrics-server.yaml"


@contextmanager
def metrics_server(cluster: Cluster) -> Iterator[None]:
    """Node and pod metrics are served while the block lasts; one that is there already is used, and stays."""
    if not _missing(cluster):
        yield
        return
    if not HELPER.exists():
        pytest.skip("the cluster has no metrics-server, and there is nothing to build one with")
    objects: Sequence[object] = list(yaml.safe_load_all(MANIFESTS.read_text()))
    image(PACKAGE, NAME, IMAGE)
    cluster.apply(NAMESPACE, objects)
    try:
        wait_until(lambda: _missing(cluster), within_s=READY_S)
        yield
    finally:
        cluster.run("delete", "-n", NAMESPACE, "--wait=false", "-f", str(MANIFESTS))


def _missing(cluster: Cluster) -> str:
    try:
        found = cluster.run("get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes")
    except Refused as refused:
        return str(refused)
    return "" if '"cpu"' in found else "no node has been measured yet"
