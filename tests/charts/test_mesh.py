"""Identities of services: a Secret mounted as a folder, and a certificate of cert-manager where it is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from services.kit.rpc.identity import Security
from services.kit.settings import ServiceSettings
from services.kit.topology import Service
from tests.charts.rendering import (
    NAMES,
    NAMESPACE,
    SERVICES,
    Object,
    containers,
    environment,
    kinds,
    one,
    pod_of,
    render,
)
from tests.charts.settings import settings_of

EACH = pytest.mark.parametrize("service", SERVICES, ids=NAMES)
ON = pytest.mark.parametrize("mode", ["permissive", "strict"])
FOLDER = str(ServiceSettings.model_fields["mesh_identity"].default)
ISSUED = {"mesh": {"mtls": "strict", "trustDomain": "shop.example", "issuerRef": {"name": "shop-ca"}}}


def speaks(service: Service) -> bool:
    return bool(service.calls) or "mesh" in service.ports


def deployment(service: Service, mode: str) -> Object:
    return one(render(service.name, {"mesh": {"mtls": mode}}), "Deployment")


def volumes(thing: Object) -> dict[str, Any]:
    return {volume["name"]: volume for volume in pod_of(thing)["volumes"]}


@EACH
def test_in_the_clear_there_is_no_identity(service: Service) -> None:
    assert "identity" not in volumes(deployment(service, "off"))
    assert "mesh" not in str(deployment(service, "off")["spec"])


@EACH
@ON
def test_whoever_speaks_to_peers_has_its_own_secret_as_a_folder(service: Service, mode: str) -> None:
    thing = deployment(service, mode)
    (container,) = pod_of(thing)["containers"]
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}

    if not speaks(service):
        assert "identity" not in volumes(thing)
        return
    # A file mounted alone (`subPath`) would never be renewed.
    assert mounts["identity"] == {"name": "identity", "mountPath": FOLDER, "readOnly": True}
    assert volumes(thing)["identity"]["secret"] == {"secretName": f"{service.name}-identity", "defaultMode": 0o440}
    assert "MESH_IDENTITY" not in environment(container)


@EACH
def test_only_the_service_itself_holds_the_key(service: Service) -> None:
    """Not its migration, nor what waits for that."""
    objects = render(service.name, {"mesh": {"mtls": "strict"}})

    for workload in (thing for thing in objects if thing["kind"] in {"Deployment", "Job"}):
        main = pod_of(workload)["containers"][0]["name"] if workload["kind"] == "Deployment" else ""
        others = [container for container in containers(workload) if container["name"] != main]
        assert all("identity" not in str(container["volumeMounts"]) for container in others)
        assert workload["kind"] == "Deployment" or "identity" not in volumes(workload)


@EACH
@ON
def test_the_encrypted_port_is_open_and_probes_stay_in_the_clear(service: Service, mode: str) -> None:
    objects = render(service.name, {"mesh": {"mtls": mode}, "service": {"nodePorts": True}})
    (container,) = pod_of(one(objects, "Deployment"))["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    offered = {port["name"]: port["port"] for port in one(objects, "Service", service.name)["spec"]["ports"]}
    in_the_clear = one(render(service.name), "Deployment")

    assert ports == offered == dict(service.ports)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe] == pod_of(in_the_clear)["containers"][0][probe]
    nodes = [thing for thing in objects if thing["metadata"]["name"] == f"{service.name}-node"]
    assert all(port["name"] != "mesh" for thing in nodes for port in thing["spec"]["ports"])


@EACH
@ON
def test_a_process_is_told_who_it_is(service: Service, mode: str) -> None:
    objects = render(service.name, {"mesh": {"mtls": mode, "trustDomain": "shop.example"}})
    told = environment(pod_of(one(objects, "Deployment"))["containers"][0])
    mesh = {name: value for name, value in told.items() if name.startswith("MESH_")}
    known = {"MESH_MTLS": mode, "MESH_NAMESPACE": NAMESPACE, "MESH_TRUST_DOMAIN": "shop.example"}

    assert mesh == (known if speaks(service) else {})
    assert {name.lower() for name in mesh} <= settings_of(service).model_fields.keys()


@EACH
def test_an_issuer_of_cert_manager_makes_the_secret_that_is_mounted(service: Service) -> None:
    objects = render(service.name, ISSUED)

    if not speaks(service):
        assert "Certificate" not in kinds(objects)
        return
    spec = one(objects, "Certificate")["spec"]
    mounted = volumes(one(objects, "Deployment"))["identity"]["secret"]["secretName"]
    identity = Security("strict", trust_domain="shop.example", namespace=NAMESPACE)
    assert spec["secretName"] == mounted == f"{service.name}-certificate"
    assert spec["uris"] == [identity.spiffe_id(service.name)]
    assert spec["dnsNames"] == [service.name]
    assert {"server auth", "client auth"} <= set(spec["usages"])
    assert (spec["duration"], spec["renewBefore"]) == ("720h0m0s", "240h0m0s")


@EACH
def test_without_an_issuer_or_in_the_clear_no_certificate_is_asked_for(service: Service) -> None:
    assert "Certificate" not in kinds(render(service.name, {"mesh": {"mtls": "strict"}}))
    assert "Certificate" not in kinds(render(service.name, ISSUED | {"mesh": ISSUED["mesh"] | {"mtls": "off"}}))
