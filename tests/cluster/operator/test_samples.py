"""The samples are accepted as they stand, every field of them, and make a platform."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import yaml
from ticketing_operator.names import API_VERSION
from ticketing_operator.settings import REPOSITORY
from ticketing_operator.transport import Request

from tests.cluster.operator.conftest import World
from tests.cluster.operator.test_bad_input import make_secret

SAMPLES = sorted((REPOSITORY / "k8s" / "samples").glob("*.yaml"))
SECRETS = {
    "postgres-owner": ("username", "password"),
    "redis-auth": ("password",),
    "stripe": ("secret-key", "webhook-secret"),
    "smtp": ("username", "password"),
    "tickets-tls": ("tls.crt", "tls.key"),
    "registry": (".dockerconfigjson",),
}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
async def test_a_sample_makes_a_platform(world: World, foreign_kinds: None, path: Any) -> None:
    for name, keys in SECRETS.items():
        await make_secret(world, name, dict.fromkeys(keys, "x"))
    sample = yaml.safe_load(path.read_text())
    namespace = f"/apis/{API_VERSION}/namespaces/{world.key.namespace}/ticketingplatforms"
    strict = {"fieldValidation": "Strict"}

    await world.admin.send(Request(method="POST", path=namespace, query=strict, body=sample))
    verdict = await world.operator().until_settled()

    status = (await world.platform())["status"]
    assert (verdict.state, verdict.reason) == ("ready", "Running")
    assert status["servicesReady"] == "10/10"


def test_samples_ask_for_the_version_of_this_repository() -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]

    assert {yaml.safe_load(path.read_text())["spec"]["version"] for path in SAMPLES} == {version}
