"""The Helm door: releases of our charts in a namespace."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import helm_python
import yaml

from tests.cluster.cluster import REPOSITORY, Cluster, not_available, wait_until

CHARTS = REPOSITORY / "charts"
READY_S = 600
VALUES = REPOSITORY / "k8s/values"
# As for a cluster of one's own, but for ports of the node, which another platform of this cluster may have.
STORES = yaml.safe_load((VALUES / "development-stores.yaml").read_text()) | {"mailbox": {"enabled": True}}
PLATFORM = yaml.safe_load((VALUES / "development.yaml").read_text())
PLATFORM["global"]["service"] = {"nodePorts": False}


@dataclass(frozen=True)
class Helm:
    cluster: Cluster
    namespace: str

    def make_secrets(self) -> None:
        """The Secrets that the charts expect, as an administrator makes them."""
        printed = subprocess.run([REPOSITORY / "k8s/secrets"], capture_output=True, text=True, check=True)  # noqa: S603
        self.cluster.run("-n", self.namespace, "create", "-f", "-", stdin=printed.stdout)

    def install(self, chart: str, release: str, values: Mapping[str, Any] | None = None) -> None:
        self._config().install(CHARTS / chart, release, dict(values or {}), namespace=self.namespace)

    def upgrade(self, chart: str, release: str, values: Mapping[str, Any] | None = None) -> None:
        self._config().upgrade(CHARTS / chart, release, dict(values or {}), namespace=self.namespace)

    def rollback(self, release: str) -> None:
        """To the revision before this one."""
        self._config().rollback(release)

    def uninstall(self, release: str) -> None:
        self._config().uninstall(release)

    def wait_until_ready(self, release: str, *, services: int) -> float:
        """Every Deployment of the release has all its pods, of the newest version. How long that took."""
        began = time.monotonic()

        def missing() -> str:
            deployments = self.cluster.get("deployments", self.namespace, f"app.kubernetes.io/instance={release}")
            if len(deployments) != services:
                return f"{len(deployments)} of {services} deployments"
            absent = not_available(deployments)
            return f"{absent}\n{self._state()}" if absent else ""

        wait_until(missing, within_s=READY_S)
        return time.monotonic() - began

    def left(self, release: str) -> set[str]:
        """Everything in the namespace that belongs to a release."""
        kinds = self.cluster.run("api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
        # Events only tell; metrics are no objects.
        real = ",".join(kind for kind in kinds if not kind.startswith("events") and not kind.endswith("metrics.k8s.io"))
        found = self.cluster.run(
            "get", real, "-n", self.namespace, "-l", f"app.kubernetes.io/instance={release}", "-o", "name"
        )
        return set(found.split())

    def _state(self) -> str:
        return self.cluster.run("get", "pods,jobs", "-n", self.namespace)

    def _config(self) -> helm_python.Config:
        return helm_python.Config(kubeconfig_path=self.cluster.kubeconfig, namespace=self.namespace)
