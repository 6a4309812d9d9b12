"""Volumes where a cluster makes none by itself: folders of this machine, which is then its only node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.kit.topology import topology
from tests.cluster.cluster import Cluster, Object

DEFAULT = "storageclass.kubernetes.io/is-default-class"
SIZE = "2Gi"


@contextmanager
def volumes(cluster: Cluster, namespace: str, folder: Path) -> Iterator[None]:
    """One for each managed store of a platform in that namespace, as long as the block lasts."""
    classes = cluster.get("storageclasses", namespace)
    if any((one["metadata"].get("annotations") or {}).get(DEFAULT) == "true" for one in classes):
        yield
        return
    made = [_volume(namespace, f"data-{store}-0", folder) for store in topology().stores]
    cluster.apply(namespace, made)
    try:
        yield
    finally:
        names = [one["metadata"]["name"] for one in made]
        cluster.run("delete", "persistentvolumes", *names, "--wait=false")


def _volume(namespace: str, claim: str, folder: Path) -> Object:
    there = folder / claim
    there.mkdir()
    # Each store has a user of its own.
    there.chmod(0o777)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{namespace}-{claim}"},
        "spec": {
            "capacity": {"storage": SIZE},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": namespace, "name": claim},
            "hostPath": {"path": str(there)},
        },
    }
