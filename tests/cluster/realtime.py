"""Realtime of a platform: how many pods it has, and how many sockets each of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from services.kit.topology import topology
from tests.cluster.platforms import SERVES, Platform

REALTIME = topology().services["realtime"]


def pods_are(platform: Platform, wanted: int | None) -> str:
    """Empty when that many are there, all ready, and none that stops; None: as many as are asked for."""
    deployment = platform.deployment("realtime")
    count = deployment["spec"]["replicas"] if wanted is None else wanted
    ready = deployment["status"].get("readyReplicas", 0)
    there = len(platform.cluster.get("pods", platform.namespace, f"app.kubernetes.io/name=realtime,{SERVES}"))
    return "" if ready == there == count else f"{ready} of {there} pods are ready, {count} are wanted"


def sockets(platform: Platform) -> Mapping[str, int]:
    """Pod → how many it has, by its own count."""
    assert REALTIME.metrics is not None
    port, found = REALTIME.ports[REALTIME.metrics.port], dict[str, int]()
    for pod in platform.pods("realtime"):
        name = pod["metadata"]["name"]
        page = platform.cluster.page(platform.namespace, name, port, REALTIME.metrics.path)
        counted = re.search(r"^realtime_sockets (\S+)$", page, re.MULTILINE)
        found[name] = int(float(counted[1])) if counted else 0
    return found
