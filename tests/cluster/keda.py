"""The real KEDA, where a cluster has none: it makes an autoscaler of a ScaledObject, and answers what that one asks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.certificates import self_signed
from tests.cluster.cluster import HELPER, Cluster, Object, Refused, wait_until
from tests.cluster.definitions import defined
from tests.cluster.images import image

MODULE, VERSION = "github.com/kedacore/keda/v2", "v2.21.0"
PROGRAMS = {"keda-operator": "cmd/operator", "keda-adapter": "cmd/adapter"}
NAMESPACE = "kube-system"
MANIFESTS = Path(__file__).parent / "manifests/keda.yaml"
DOWNLOAD_S, READY_S = 600, 180


@contextmanager
def keda(cluster: Cluster) -> Iterator[None]:
    """External metrics are served and ScaledObjects obeyed while the block lasts; a KEDA that is there stays.

    Whoever made a ScaledObject takes it away within the block: nobody else than KEDA can let go of it.
    """
    if not _missing(cluster):
        yield
        return
    if not HELPER.exists():
        pytest.skip("the cluster has no KEDA, and there is nothing to build one with")
    for name, path in PROGRAMS.items():
        image(f"{MODULE}/{path}@{VERSION}", name, f"localhost/{name}:{VERSION}")
    with defined(cluster, _definitions()):
        cluster.apply(NAMESPACE, [_certificates(), *yaml.safe_load_all(MANIFESTS.read_text())])
        try:
            wait_until(lambda: _missing(cluster), within_s=READY_S)
            yield
        finally:
            cluster.run("delete", "-n", NAMESPACE, "--wait=false", "-f", str(MANIFESTS))
            cluster.run("delete", "-n", NAMESPACE, "secret", "keda-certificates")


def _definitions() -> Sequence[Path]:
    """All of the module's: its operator does not start before it can watch each of them."""
    command = ["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_S, check=True)  # noqa: S603
    return sorted(Path(json.loads(told.stdout)["Dir"], "config/crd/bases").glob("*.yaml"))


def _certificates() -> Object:
    """By which its two programs know one another: of one name, and each other's authority."""
    own = self_signed(f"keda-operator.{NAMESPACE}.svc.cluster.local")
    files = {"tls.crt": own.certificate, "tls.key": own.key, "ca.crt": own.certificate}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keda-certificates"}, "stringData": files}


def _missing(cluster: Cluster) -> str:
    try:
        cluster.run("get", "--raw", "/apis/external.metrics.k8s.io/v1beta1")
    except Refused as refused:
        return str(refused)
    return ""
