"""Whatever a person asks for that can not be: a sentence that helps, and no hot loop."""

from __future__ import annotations

import base64
import socket
from contextlib import closing
from typing import Any

import pytest
from ticketing_operator.names import Kind
from ticketing_operator.reconcile import TryAgain
from ticketing_operator.transport import Refused, Request

from tests.cluster.controllers import DEPLOYMENT
from tests.cluster.operator.conftest import World

OK: dict[str, Any] = {"version": "1.0.0"}
SECRET, POD = Kind("v1", "Secret"), Kind("v1", "Pod")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, "spec.version"),
        ({"version": 3}, "spec.version"),
        (OK | {"typo": 1}, "typo"),
        (OK | {"postgres": {"port": "x"}}, "postgres.port"),
        (OK | {"postgres": {"port": 70000}}, "spec.postgres.port"),
        (OK | {"postgres": {"mode": "external"}}, "postgres.host is needed"),
        (OK | {"redis": {"mode": "external"}}, "redis.host is needed"),
        (OK | {"kafka": {"mode": "external"}}, "kafka.brokers is needed"),
        (OK | {"payments": {"provider": "stripe"}}, "payments.secretName is needed"),
        (OK | {"payments": {"provider": "cash"}}, "spec.payments.provider"),
        (OK | {"gateway": {"ingress": {}}}, "gateway.host is needed"),
        (OK | {"gateway": {"host": "a", "ingress": {}, "httpRoute": {"parentRefs": [{"name": "x"}]}}}, "not both"),
        (OK | {"services": {"nobody": {}}}, "the names are"),
        (OK | {"services": {"gateway": {"replicas": 2}}}, "say gateway.replicas"),
        (OK | {"services": {"realtime": {"autoscaling": {"mode": "cpu"}}}}, "say realtime.autoscaling"),
        (OK | {"realtime": {"autoscaling": {"minReplicas": 9}}}, "minReplicas must not be greater"),
        (OK | {"mesh": {"mtls": "on"}}, "spec.mesh.mtls"),
        (OK | {"mesh": {"certificateDays": 7}}, "spec.mesh.certificateDays"),
        (OK | {"mesh": {"issuer": "cert-manager"}}, "mesh.issuerRef.name is needed"),
    ],
)
async def test_the_api_server_refuses_it_with_its_field(world: World, spec: dict[str, Any], told: str) -> None:
    with pytest.raises(Refused) as refused:
        await world.ask(spec)

    assert told in str(refused.value)


async def test_a_volume_can_not_be_resized_in_place(world: World) -> None:
    await world.ask(OK)

    with pytest.raises(Refused, match="storage can not be changed"):
        await world.ask(OK | {"postgres": {"storage": "9Gi"}})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"trustDomain": "other.example"}, "trustDomain can be changed while mtls is off"),
        (
            {"issuer": "cert-manager", "issuerRef": {"name": "ca"}},
            "issuer can be changed while mtls is off or permissive",
        ),
    ],
)
async def test_what_would_cut_calls_of_an_encrypted_mesh_is_refused(
    world: World, change: dict[str, Any], told: str
) -> None:
    await world.ask(OK | {"mesh": {"mtls": "strict"}})

    with pytest.raises(Refused, match=told):
        await world.ask(OK | {"mesh": {"mtls": "strict"} | change})


async def test_a_name_of_63_characters_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="at most 53 characters"):
        await world.ask(OK, name="a" * 63)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (OK | {"services": {"auth": {"env": {"REDIS_HOST": "x"}}}}, "spec.services.auth.env.REDIS_HOST"),
        (OK | {"services": {"auth": {"env": {"API_TOKEN": "x"}}}}, "looks like a secret"),
        (OK | {"kafka": {"mode": "external", "brokers": "kafka"}}, "'kafka' is not host:port"),
        (OK | {"services": {"auth": {"resources": {"limits": {"cpu": "lots"}}}}}, "'lots' is no quantity"),
    ],
)
async def test_what_rules_can_not_say_is_told_in_the_status_and_not_tried_again(
    world: World, spec: dict[str, Any], told: str
) -> None:
    await world.ask(spec)
    operator = world.operator()
    await operator.look()
    operator.recording.sent.clear()

    await operator.look()

    stalled = await world.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "WrongSpec")
    assert told in stalled["message"]
    assert operator.recording.sent == []
    assert await world.controllers.owned() == []


async def test_a_wrong_edit_leaves_the_platform_as_it_was(world: World) -> None:
    await world.ask(OK)
    operator = world.operator()
    await operator.until_settled()
    operator.recording.sent.clear()

    await world.ask(OK | {"services": {"auth": {"env": {"REDIS_HOST": "x"}}}})
    await operator.look()

    assert [
        write for write in operator.recording.writes if "ticketingplatforms" not in write and "events" not in write
    ] == []
    assert (await world.platform())["status"]["servicesReady"] == "10/10"


async def test_a_missing_secret_is_told_with_its_name_and_keys_and_used_when_it_is_there(world: World) -> None:
    await world.ask(OK | {"payments": {"provider": "stripe", "secretName": "stripe"}})
    operator = world.operator()

    await operator.look()
    absent = await world.condition("Stalled")
    await make_secret(world, "stripe", {"secret-key": "x"})
    await operator.look()
    lacking = await world.condition("Stalled")
    await world.controllers.patch(SECRET, "stripe", {"data": {"webhook-secret": text("y")}})
    settled = await operator.until_settled()

    assert absent["reason"] == lacking["reason"] == "MissingSecret"
    assert "there is no Secret stripe; make it, with secret-key and webhook-secret" in absent["message"]
    assert "the Secret stripe has no webhook-secret" in lacking["message"]
    assert settled.state == "ready"


async def test_a_secret_that_somebody_made_is_never_overwritten(world: World) -> None:
    await make_secret(world, "auth", {"key-secret": "a secret of my own"})
    await world.ask(OK)

    await world.operator().until_settled()

    (auth,) = [secret for secret in await world.controllers.all(SECRET) if secret["metadata"]["name"] == "auth"]
    assert auth["data"] == {"key-secret": text("a secret of my own")}


async def test_a_database_that_can_not_be_reached_is_told_by_its_address(world: World) -> None:
    await make_secret(world, "db", {"username": "u", "password": "p"})
    with closing(socket.socket()) as taken:
        # Bound and not listening: refused at once, and nobody else's.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        external = {"mode": "external", "host": "127.0.0.1", "port": port, "secretName": "db"}
        await world.ask(OK | {"postgres": external, "redis": {"storage": ""}, "kafka": {"storage": ""}})

        verdict = await world.operator().look()

    assert verdict is not None
    assert (verdict.state, verdict.reason) == ("stalled", "StoreUnreachable")
    assert f"spec.postgres.host: 127.0.0.1:{port} does not answer" in verdict.message


async def test_an_image_that_does_not_exist_is_told_by_its_name(world: World) -> None:
    await world.ask(OK)
    operator = world.operator()
    await operator.look()
    await pod_waits(world, "postgres", "ErrImagePull", "docker.io/library/postgres:18")

    verdict = await operator.look()

    assert verdict is not None
    assert (verdict.state, verdict.reason) == ("stalled", "PodsCannotStart")
    assert "postgres: image docker.io/library/postgres:18 can not be pulled" in verdict.message


async def test_kinds_that_the_cluster_does_not_know_are_told_and_left_out(world: World) -> None:
    await world.ask(
        OK
        | {
            "gateway": {"host": "tickets.example.com", "httpRoute": {"parentRefs": [{"name": "public"}]}},
            "realtime": {"autoscaling": {"mode": "keda"}},
            "monitoring": {"serviceMonitors": True, "alerts": True},
        }
    )

    verdict = await world.operator().until_settled()

    assert (verdict.state, verdict.reason) == ("ready", "RunningInPart")
    assert verdict.message.endswith("HTTPRoute, PrometheusRule, ScaledObject, ServiceMonitor")


async def test_an_issuer_that_is_not_installed_is_told_and_no_pod_waits_for_it(world: World) -> None:
    await world.ask(OK)
    operator = world.operator()
    await operator.until_settled()

    issuer = {"mtls": "permissive", "issuer": "cert-manager", "issuerRef": {"name": "shop-ca"}}
    await world.ask(OK | {"mesh": issuer})
    await operator.look()

    stalled = await world.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "IssuerMissing")
    assert "spec.mesh.issuer: the cluster does not know the kind Certificate" in stalled["message"]
    deployments = await world.controllers.all(DEPLOYMENT)
    assert "MESH_MTLS" not in str([one["spec"] for one in deployments])


async def test_the_second_platform_of_a_namespace_is_told_whose_it_is(world: World) -> None:
    await world.ask(OK)
    operator = world.operator()
    await operator.until_settled()
    await world.ask(OK, name="second")

    await operator.look(name="second")
    first = await operator.look()

    assert (await world.condition("Stalled", name="second"))["reason"] == "NamespaceTaken"
    assert "tickets is in this namespace already" in (await world.condition("Stalled", name="second"))["message"]
    assert first is not None
    assert first.state == "ready"


async def test_a_namespace_that_is_being_deleted_is_no_reason_for_a_traceback(world: World) -> None:
    await world.ask(OK)
    await world.admin.send(Request(method="DELETE", path=f"/api/v1/namespaces/{world.key.namespace}"))

    with pytest.raises(TryAgain, match="being terminated"):
        await world.operator().look()

    assert (await world.condition("Stalled"))["reason"] == "NamespaceTerminating"


async def make_secret(world: World, name: str, values: dict[str, str]) -> None:
    data = {key: text(value) for key, value in values.items()}
    await world.controllers.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data})


def text(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


async def pod_waits(world: World, service: str, reason: str, image: str) -> None:
    """A pod of that service, whose container the kubelet could not start."""
    labels = {
        "app.kubernetes.io/name": service,
        "app.kubernetes.io/instance": world.key.name,
        "app.kubernetes.io/part-of": "ticketing",
    }
    meta = {"name": f"{service}-x", "labels": labels}
    container = {"name": service, "image": image}
    await world.controllers.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}}
    )
    waiting = {"name": service, "image": image, "imageID": "", "ready": False, "restartCount": 0}
    status = waiting | {"state": {"waiting": {"reason": reason}}}
    await world.controllers.patch(
        POD, f"{service}-x", {"status": {"containerStatuses": [status]}}, subresource="/status"
    )
