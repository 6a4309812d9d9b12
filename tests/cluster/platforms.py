"""Platforms as their users see them: one resource, edited with kubectl, and what its status says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from services.kit.topology import topology
from tests.cluster.cluster import REPOSITORY, Cluster, Object, wait_until
from tests.cluster.helm import Helm
from tests.cluster.operations import commands, run

NAME = "tickets"
READY_S, GONE_S = 600, 240
SERVES = "app.kubernetes.io/component=service"
OURS = "app.kubernetes.io/managed-by=ticketing-operator"
# Bookings and tickets, counted.
SOLD = "SELECT (SELECT count(*) FROM booking.bookings), (SELECT count(*) FROM ticket.tickets)"
_ONLY_A_MAILBOX = {store: {"enabled": False} for store in topology().stores} | {"mailbox": {"enabled": True}}


def sample(name: str) -> dict[str, Any]:
    """One of k8s/samples, that lets a crowd from one machine in."""
    read: dict[str, Any] = yaml.safe_load((REPOSITORY / f"k8s/samples/{name}.yaml").read_text())
    read["spec"].setdefault("services", {}).setdefault("gateway", {})["env"] = {"RATE_LIMIT_ADDRESS_PER_MIN": "0"}
    return read


def asking_little(resource: Object, *, but: Mapping[str, str] | None = None) -> Object:
    """The same, but no service asks for CPU beyond what it has at rest: so that more pods fit into two cores.

    `but` says how much CPU some ask for all the same.
    """
    said, asks = resource["spec"].get("services", {}), but or {}
    services = {
        service.name: said.get(service.name, {})
        | {"resources": {"requests": {"cpu": asks.get(service.name, "10m"), "memory": "96Mi"}}}
        for service in topology().python_services
    }
    return resource | {"spec": resource["spec"] | {"services": services}}


def why_inactive(scaler: Object) -> str:
    """Why a HorizontalPodAutoscaler does not scale; empty when it does."""
    told = [one for one in scaler["status"].get("conditions", ()) if one["type"] == "ScalingActive"]
    if not told:
        return "nothing said yet"
    return "" if told[0]["status"] == "True" else str(told[0]["message"])


@dataclass(frozen=True)
class Platform:
    cluster: Cluster
    namespace: str

    def ask(self, resource: Mapping[str, Any]) -> None:
        """Mails go to a mailbox: a witness of the sale, and no part of the platform."""
        Helm(self.cluster, self.namespace).install("datastores", "mail", _ONLY_A_MAILBOX)
        mail = {"mail": {"host": "mailbox", "port": topology().mailbox["smtp"]}}
        self.cluster.apply(self.namespace, [{**resource, "spec": {**resource["spec"], **mail}}])

    def edit(self, spec: Mapping[str, Any]) -> None:
        """Merge this into the specification."""
        patch = json.dumps({"spec": spec})
        self.cluster.run("patch", "tp", NAME, "-n", self.namespace, "--type=merge", "-p", patch)

    def resource(self) -> Object:
        return json.loads(self.cluster.run("get", "tp", NAME, "-n", self.namespace, "-o", "json"))

    def condition(self, kind: str) -> Mapping[str, str]:
        """Empty strings when nothing is said yet, or of an older edit."""
        found = self.resource()
        status = found.get("status", {})
        seen = status.get("observedGeneration") == found["metadata"]["generation"]
        told = [one for one in status.get("conditions", ()) if one["type"] == kind]
        return told[0] if seen and told else {"status": "", "reason": "", "message": ""}

    def not_ready(self) -> str:
        """Why it is not; empty when it is, as it was last asked for."""
        ready = self.condition("Ready")
        return "" if ready["status"] == "True" else f"{ready['reason']}: {ready['message'] or 'nothing said yet'}"

    def wait_until_ready(self, *, within_s: float = READY_S) -> None:
        wait_until(self.not_ready, within_s=within_s)

    def deployment(self, service: str) -> Object:
        return json.loads(self.cluster.run("get", "deployment", service, "-n", self.namespace, "-o", "json"))

    def pods(self, service: str) -> Sequence[Object]:
        """Those that are to stay."""
        found = self.cluster.get("pods", self.namespace, f"app.kubernetes.io/name={service},{SERVES}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def sql(self, statement: str) -> str:
        """What the managed PostgreSQL answers its administrator, a row a line."""
        program = 'PGPASSWORD=$POSTGRES_PASSWORD psql -h 127.0.0.1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -qtAc "$0"'
        return self.cluster.run(
            "exec", "-n", self.namespace, "postgres-0", "--", "sh", "-c", program, statement
        ).strip()

    def sold(self) -> str:
        """How many bookings and tickets its managed PostgreSQL keeps."""
        return self.sql(SOLD)


def leaves_nothing(platform: Platform) -> None:
    """The last thing that is seen of a platform: deleted, all that it owned goes with it."""
    cluster, namespace = platform.cluster, platform.namespace
    run(cluster, commands("Uninstall")[0], {"shop": namespace})
    wait_until(lambda: " ".join(sorted(Helm(cluster, namespace).left(NAME))), within_s=GONE_S)
    assert cluster.get("secrets", namespace, OURS) == []
