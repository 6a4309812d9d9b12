"""Kinds of other projects in the cluster, as these publish them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.cluster.cluster import HELPER, Cluster

# prometheus-operator, KEDA and the Gateway API.
DEFINITIONS = Path(os.environ.get("CRDS") or HELPER.parent / "crds")


def published(pattern: str = "*.yaml") -> Sequence[Path]:
    found = sorted(DEFINITIONS.glob(pattern))
    assert found, f"CRDS names no folder with {pattern} of KEDA, Prometheus and the Gateway API"
    return found


@contextmanager
def defined(cluster: Cluster, files: Sequence[Path]) -> Iterator[None]:
    """Served while the block lasts; those that were not there are taken away again, with every object of theirs."""
    there = set(cluster.run("get", "crds", "-o", "name").split())
    names = [f"customresourcedefinition.apiextensions.k8s.io/{_name(file)}" for file in files]
    for file in files:
        cluster.run("apply", "--server-side", "-f", str(file))
    try:
        cluster.run("wait", *names, "--for=condition=Established", "--timeout=60s")
        yield
    finally:
        if gone := sorted(set(names) - there):
            cluster.run("delete", *gone)


def _name(file: Path) -> str:
    return str(yaml.safe_load(file.read_text())["metadata"]["name"])
