"""Charts as Helm renders them, without a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import helm_python
import yaml

from services.kit.topology import TABLE, Service, topology

CHARTS = TABLE.parent / "charts"
SERVICES: Sequence[Service] = topology().python_services
NAMES = [row.name for row in SERVICES]
NAMESPACE, RELEASE = "box", "shop"

# As the API has it in JSON: a foreign border.
type Object = Any


def chart(name: str) -> helm_python.Chart:
    """Read anew every time: to render it takes away what its conditions leave out."""
    return helm_python.Chart.load(CHARTS / name)


def render(name: str, values: Mapping[str, Any] | None = None, /, **options: Any) -> list[Object]:
    """A chart's objects. Raises HelmValuesError or HelmRenderError when it refuses its values."""
    options = {"name": RELEASE, "namespace": NAMESPACE} | options
    return objects_in(chart(name).render(dict(values or {}), **options))


def objects_in(rendered: Mapping[str, str]) -> list[Object]:
    texts = [text for path, text in sorted(rendered.items()) if not path.endswith("NOTES.txt")]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


def one(objects: Sequence[Object], kind: str, name: str = "") -> Object:
    found = [thing for thing in objects if thing["kind"] == kind and name in ("", thing["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]


def kinds(objects: Sequence[Object]) -> list[str]:
    return sorted(thing["kind"] for thing in objects)


def pod_of(thing: Object) -> Object:
    return thing["spec"]["template"]["spec"]


def containers(thing: Object) -> list[Object]:
    """All of a workload's containers, those that run first as well."""
    pod = pod_of(thing)
    return [*pod.get("initContainers", ()), *pod["containers"]]


def workloads(objects: Sequence[Object]) -> list[Object]:
    return [thing for thing in objects if thing["kind"] in {"Deployment", "StatefulSet", "Job"}]


def environment(container: Object) -> dict[str, str]:
    """What a container is told: values as they are, Secrets as `secret/key`."""
    told = {}
    for variable in container["env"]:
        source = variable.get("valueFrom", {}).get("secretKeyRef")
        told[variable["name"]] = f"{source['name']}/{source['key']}" if source else variable["value"]
    return told


def migration_head(service: Service) -> str:
    """The newest version among a service's migrations; empty when it has none."""
    versions = Path(TABLE.parent / service.folder / "migrations" / "versions")
    return max((path.name.partition("_")[0] for path in versions.glob("*.py")), default="")
