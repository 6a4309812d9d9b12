"""The mesh against a real API server: identities come with a platform, modes change in order, authorities in steps."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from ticketing_operator.kinds import EVENTS
from ticketing_operator.mesh_modes import IDENTITIES, SPEAKERS, mode_of
from ticketing_operator.mesh_secrets import ROTATE_AUTHORITY
from ticketing_operator.names import Kind
from ticketing_operator.settings import OperatorSettings
from ticketing_operator.transport import Request

from services.kit.clock import utc_now
from services.kit.pki import certificates_in, describe
from services.kit.rpc.identity import Security
from tests.cluster.controllers import CERTIFICATE, DEPLOYMENT
from tests.cluster.operator.conftest import Operator, World

SECRET = Kind("v1", "Secret")
SETTINGS = OperatorSettings(secrets_settle_s=120)


def asks(mode: str, **mesh: Any) -> dict[str, Any]:
    return {"version": "1.0.0", "mesh": {"mtls": mode, **mesh}}


async def modes(world: World) -> dict[str, str]:
    deployments = {one["metadata"]["name"]: one for one in await world.controllers.all(DEPLOYMENT)}
    return {name: mode_of(one) for name, one in deployments.items() if name in SPEAKERS}


async def secrets(world: World) -> dict[str, Any]:
    return {secret["metadata"]["name"]: secret for secret in await world.controllers.all(SECRET)}


async def test_a_strict_platform_has_an_identity_for_each_service_and_then_costs_nothing(world: World) -> None:
    await world.ask(asks("strict"))
    operator = world.operator()

    verdict = await operator.until_settled()
    operator.recording.sent.clear()
    for _ in range(3):
        await operator.look()

    status, kept = (await world.platform())["status"], await secrets(world)
    assert verdict.state == "ready"
    assert set((await modes(world)).values()) == {"strict"}
    assert operator.recording.sent == [], "a pass over a settled platform neither writes nor reads"
    assert [one["name"] for one in status["certificates"]] == ["authority", *IDENTITIES]
    assert (await world.condition("Mesh"))["reason"] == "Strict"
    names = Security("strict", namespace=world.key.namespace)
    for holder in IDENTITIES:
        secret = kept[f"{holder}-identity"]
        assert secret["type"] == "kubernetes.io/tls"
        assert describe(base64.b64decode(secret["data"]["tls.crt"])).uri == names.spiffe_id(holder)
        assert secret["metadata"]["ownerReferences"][0]["name"] == world.key.name
    assert "mesh-authority" in kept


async def test_an_operator_that_starts_anew_issues_nothing(world: World) -> None:
    await world.ask(asks("strict"))
    await world.operator().until_settled()
    successor = world.operator()

    await successor.look()

    assert successor.recording.sent == []


@pytest.mark.parametrize(("before", "after"), [("off", "strict"), ("strict", "off")])
async def test_pods_that_do_not_understand_one_another_are_never_there_together(
    world: World, before: str, after: str
) -> None:
    await world.ask(asks(before))
    operator = world.operator()
    await operator.until_settled()
    await world.ask(asks(after))
    steps = await every_step(operator)

    assert steps[0] != steps[-1]
    for one, next_one in pairwise(steps):
        # Pods of this step may still be there in the next.
        assert not {"off", "strict"} <= set(one.values()) | set(next_one.values())
    assert set(steps[-1].values()) == {after}
    assert any(set(step.values()) == {"permissive"} for step in steps)
    assert (await world.platform())["status"]["servicesReady"] == "10/10"


async def every_step(operator: Operator) -> list[dict[str, str]]:
    """The modes that Deployments ask for, after each pass, until nothing moves."""
    steps: list[dict[str, str]] = [await modes(operator.world)]
    for _ in range(30):
        verdict = await operator.look()
        assert verdict is not None
        steps.append(await modes(operator.world))
        if await operator.world.controllers.everything_gets_ready() == 0 and verdict.state == "ready":
            return steps
    raise AssertionError(f"not settled: {steps[-1]}")


async def test_the_next_mode_waits_for_the_last_pod_of_the_one_before(world: World) -> None:
    await world.ask(asks("off"))
    operator = world.operator()
    await operator.until_settled()
    await world.ask(asks("strict"))
    while set((await modes(world)).values()) != {"permissive"}:
        await operator.look()
        await world.controllers.everything_gets_ready()

    stopping = {"status": {"terminatingReplicas": 1}}
    await world.controllers.patch(DEPLOYMENT, "gateway", stopping, subresource="/status")
    waiting = await operator.look()
    held = await modes(world)
    await world.controllers.patch(
        DEPLOYMENT, "gateway", {"status": {"terminatingReplicas": None}}, subresource="/status"
    )
    await operator.look()

    assert waiting is not None
    assert (waiting.state, waiting.reason) == ("working", "ModeChanging")
    assert set(held.values()) == {"permissive"}
    assert "strict" in (await modes(world)).values()


async def test_the_condition_says_which_services_are_on_their_way(world: World) -> None:
    await world.ask(asks("permissive"))
    operator = world.operator()
    await operator.until_settled()
    await world.ask(asks("strict"))

    await operator.look()

    changing = await world.condition("Mesh")
    assert (changing["status"], changing["reason"]) == ("False", "ModeChanging")
    assert changing["message"].startswith("on the way to strict: ")
    assert "gateway" in changing["message"]


async def test_an_authority_is_rotated_by_an_annotation_and_events_tell_how_far_it_came(world: World) -> None:
    clock = Clock()
    await world.ask(asks("strict"))
    operator = world.operator(settings=SETTINGS, now=clock)
    await operator.until_settled()
    old = await signers(world)

    clock.now += timedelta(hours=1)
    await world.annotate({ROTATE_AUTHORITY: "1"})
    trusted = []
    for _ in range(4):
        await operator.look()
        trusted.append(await trust(world))
        clock.now += timedelta(seconds=SETTINGS.secrets_settle_s)
    operator.recording.sent.clear()
    await operator.look()

    new = await signers(world)
    assert len(old) == len(new) == 1
    assert not old & new
    assert trusted[0] == trusted[1] >= old | new
    assert trusted[2] == trusted[3] == new
    assert operator.recording.sent == []
    told = await events(world)
    assert told[-4:] == ["AuthorityAnnounced", "AuthorityPromoted", "CertificatesIssued", "AuthorityRetired"]


async def test_a_certificate_that_was_not_renewed_is_told_by_the_condition(world: World) -> None:
    clock = Clock()
    await world.ask(asks("strict"))
    operator = world.operator(now=clock)
    await operator.until_settled()

    clock.now += timedelta(days=24)
    await world.ask(asks("strict") | {"paused": True})
    await operator.look()

    told = await world.condition("Mesh")
    assert (told["status"], told["reason"]) == ("False", "CertificatesExpire")
    assert "booking" in told["message"]


async def test_cert_manager_issues_instead_when_it_is_asked(world: World, foreign_kinds: None) -> None:
    await world.ask(asks("strict", issuer="cert-manager", issuerRef={"name": "shop-ca", "kind": "ClusterIssuer"}))
    operator = world.operator()

    first = await operator.look()
    before = await world.controllers.all(DEPLOYMENT)
    await operator.until_settled()

    made = {one["metadata"]["name"]: one for one in await world.controllers.all(CERTIFICATE)}
    assert first is not None
    assert (first.state, before) == ("working", []), "pods wait for what they mount"
    assert made.keys() == set(SPEAKERS)
    assert made["booking"]["spec"]["issuerRef"]["kind"] == "ClusterIssuer"
    assert not [name for name in await secrets(world) if name.endswith("-identity") or name == "mesh-authority"]
    assert len((await world.platform())["status"]["certificates"]) == len(SPEAKERS)


class Clock:
    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now


async def signers(world: World) -> set[str]:
    kept = await secrets(world)
    leaves = [kept[f"{service}-identity"]["data"]["tls.crt"] for service in IDENTITIES]
    return {describe(base64.b64decode(leaf)).signed_by for leaf in leaves}


async def trust(world: World) -> set[str]:
    kept = await secrets(world)
    bundles = {kept[f"{service}-identity"]["data"]["ca.crt"] for service in IDENTITIES}
    assert len(bundles) == 1
    return {describe(root).key_id for root in certificates_in(base64.b64decode(bundles.pop()))}


async def events(world: World) -> list[str]:
    """Reasons in the order in which they were told."""
    path = f"{EVENTS.root}/namespaces/{world.key.namespace}/{EVENTS.plural}"
    listed = await world.admin.send(Request(method="GET", path=path))
    return [one["reason"] for one in sorted(listed["items"], key=lambda one: int(one["metadata"]["resourceVersion"]))]
