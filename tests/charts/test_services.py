"""What every service's chart renders, against the table."""

from __future__ import annotations

import re

import pytest

from services.kit.settings import ServiceSettings
from services.kit.topology import Service, topology
from tests.charts.rendering import (
    NAMES,
    SERVICES,
    containers,
    environment,
    kinds,
    migration_head,
    one,
    pod_of,
    render,
    workloads,
)
from tests.charts.settings import settings_of

EACH = pytest.mark.parametrize("service", SERVICES, ids=NAMES)
ALL_ON = {"replicas": 2, "monitoring": {"serviceMonitors": True}, "service": {"nodePorts": True}}


@EACH
def test_it_renders_what_a_service_is_made_of(service: Service) -> None:
    expected = ["Deployment", "NetworkPolicy", "Service", "ServiceAccount"]
    if "postgres" in service.data:
        expected.append("Job")
    if service.name in {"realtime", "payment"}:
        expected.append("Service")  # of its own for the public: the other one is headless

    assert kinds(render(service.name)) == sorted(expected)


@EACH
def test_ports_are_the_tables(service: Service) -> None:
    objects = render(service.name)
    (container,) = pod_of(one(objects, "Deployment"))["containers"]
    spec = one(objects, "Service", service.name)["spec"]

    # Nothing listens on `mesh` while services speak in the clear.
    listening = {name: port for name, port in service.ports.items() if name != "mesh"}
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == listening
    assert {port["name"]: port["port"] for port in spec["ports"]} == listening
    headless = spec.get("clusterIP") == "None" and spec["publishNotReadyAddresses"]
    assert headless == ("grpc" in service.ports), "gRPC clients balance over pods, and ask for their health, themselves"


@EACH
def test_probes_ask_the_right_question(service: Service) -> None:
    (container,) = pod_of(one(render(service.name), "Deployment"))["containers"]
    live, ready = container["livenessProbe"], container["readinessProbe"]

    if "grpc" in service.ports:
        port = service.ports["grpc"]
        assert live["grpc"] == {"port": port, "service": "liveness"}
        assert ready["grpc"] == {"port": port, "service": ""}
    else:
        page = service.health
        assert live["httpGet"] == {"port": page.port, "path": f"{page.path}/live"}
        assert ready["httpGet"] == {"port": page.port, "path": page.path}
    startup = container["startupProbe"]
    assert startup.get("grpc", startup.get("httpGet")) == live.get("grpc", live.get("httpGet"))
    assert startup["periodSeconds"] * startup["failureThreshold"] == 180


@EACH
def test_every_name_it_is_told_is_a_setting(service: Service) -> None:
    settings: type[ServiceSettings] = settings_of(service)
    objects = render(service.name, {"payments": {"provider": "stripe"}, "mail": {"host": "h", "secretName": "mail"}})
    (container,) = pod_of(one(objects, "Deployment"))["containers"]

    unknown = {name for name in environment(container) if name.lower() not in settings.model_fields}

    assert unknown == set()


@EACH
def test_it_is_told_where_its_peers_and_stores_are(service: Service) -> None:
    (container,) = pod_of(one(render(service.name), "Deployment"))["containers"]
    told = environment(container)

    for peer in service.calls:
        port = topology().services[peer].ports["grpc"]
        assert told[f"{peer.upper()}_SERVICE_URL"] == f"{peer}:{port}"
    assert ("POSTGRES_HOST" in told) == ("postgres" in service.data)
    assert ("REDIS_HOST" in told) == ("redis" in service.data)
    assert ("KAFKA_BROKERS" in told) == ("kafka" in service.data)
    if "postgres" in service.data:
        assert told["POSTGRES_PASSWORD"] == f"{service.name}-postgres/password"


@EACH
def test_every_pod_meets_pod_security_restricted_with_a_read_only_root(service: Service) -> None:
    for workload in workloads(render(service.name)):
        pod = pod_of(workload)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False, "they would set REDIS_PORT"
        for container in containers(workload):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            for share in ("requests", "limits"):
                assert container["resources"][share].keys() == {"cpu", "memory"}


@EACH
def test_secrets_are_named_never_written(service: Service) -> None:
    for workload in workloads(render(service.name)):
        for container in containers(workload):
            for variable in container["env"]:
                if re.search("PASSWORD|SECRET|SIGNING_KEY", variable["name"]):
                    assert "secretKeyRef" in variable["valueFrom"]
            assert not re.search("(?i)password|secret", " ".join(container.get("command", ())))


@EACH
def test_a_stopping_pod_has_time_to_drain(service: Service) -> None:
    pod = pod_of(one(render(service.name, {"drainSeconds": 7, "graceSeconds": 20}), "Deployment"))
    told = environment(pod["containers"][0])

    assert (told["DRAIN_S"], told["GRACE_S"]) == ("7", "20")
    assert pod["terminationGracePeriodSeconds"] > 7 + 20 + 5


@EACH
def test_two_replicas_are_spread_and_one_of_them_stays(service: Service) -> None:
    alone, two = render(service.name), render(service.name, ALL_ON)

    spread = pod_of(one(two, "Deployment"))["topologySpreadConstraints"]
    assert {rule["whenUnsatisfiable"] for rule in spread} == {"ScheduleAnyway"}
    assert {rule["topologyKey"] for rule in spread} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
    assert one(two, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert "PodDisruptionBudget" not in kinds(alone)


@EACH
def test_the_chart_knows_the_newest_migration(service: Service) -> None:
    """When this fails, a migration was added: say so in charts/<service>/values.yaml."""
    jobs = [thing["metadata"]["name"] for thing in render(service.name) if thing["kind"] == "Job"]

    head = migration_head(service)

    assert [re.sub("[0-9a-f]{8}$", "", name) for name in jobs] == ([f"{service.name}-migrate-{head}-"] if head else [])
    assert bool(head) == ("postgres" in service.data)


@EACH
def test_prometheus_finds_its_page(service: Service) -> None:
    (endpoint,) = one(render(service.name, ALL_ON), "ServiceMonitor")["spec"]["endpoints"]

    assert service.metrics is not None
    assert (endpoint["port"], endpoint["path"]) == (service.metrics.port, service.metrics.path)
