"""The cluster, the operator and a platform, once a session. `make test-cluster` builds and loads the images first.

KEEP=1 leaves all of them there, and PLATFORM=<its namespace> takes them up again: for whoever runs one test many times.
"""

import os
import time
from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster, find_cluster
from tests.cluster.helm import Helm
from tests.cluster.operations import commands, run
from tests.cluster.platforms import Platform, leaves_nothing, sample
from tests.cluster.sale import open_sale

DEFINITION = "ticketingplatforms.ticketing.dev"
OPERATOR = "app.kubernetes.io/name=ticketing-operator"


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return find_cluster()


@pytest.fixture(scope="session")
def operator(cluster: Cluster) -> Iterator[Helm]:
    """Installed by its chart."""
    if "PLATFORM" in os.environ:
        where = cluster.run("get", "deployments", "-A", "-l", OPERATOR, "-o", "jsonpath={.items[0].metadata.namespace}")
        yield Helm(cluster, where)
        return
    # One that is there belongs to another release, and Helm would not touch it.
    defined = bool(cluster.run("get", "crd", DEFINITION, "--ignore-not-found", "-o", "name"))
    # Built apart from the platform's, its image may be newer.
    tag = os.environ.get("OPERATOR_TAG", "")
    values = {"image": {"tag": tag}, "resyncSeconds": 30, "crds": {"install": not defined}}
    with cluster.namespace("operator") as namespace:
        door = Helm(cluster, namespace)
        door.install("operator", "ticketing-operator", values)
        try:
            yield door
        finally:
            # Its rights are of the whole cluster, and do not go with the namespace.
            if not os.environ.get("KEEP"):
                uninstall(door, with_definition=not defined)


@pytest.fixture(scope="session")
def platform(cluster: Cluster, operator: Helm) -> Iterator[Platform]:
    """The minimal sample, ready, with events on sale. Each test leaves it ready."""
    if named := os.environ.get("PLATFORM"):
        yield Platform(cluster, named)
        return
    with cluster.namespace("platform") as namespace:
        platform = Platform(cluster, namespace)
        began = time.monotonic()
        platform.ask(sample("minimal"))
        platform.wait_until_ready()
        print(f"{namespace} is ready after {time.monotonic() - began:.0f} s")
        open_sale(cluster, namespace)
        yield platform
        if not os.environ.get("KEEP"):
            leaves_nothing(platform)


def uninstall(operator: Helm, *, with_definition: bool) -> None:
    """Nothing of it is left that belongs to no namespace; a definition that was there before it stays."""
    cluster = operator.cluster
    if not with_definition:
        operator.uninstall("ticketing-operator")
        return
    run(cluster, commands("Uninstall")[1], {"ticketing-system": operator.namespace})
    kinds = cluster.run("api-resources", "--verbs=list", "--namespaced=false", "-o", "name").split()
    found = cluster.run("get", ",".join(kinds), "-l", OPERATOR, "-o", "name")
    defined = cluster.run("get", "crd", DEFINITION, "--ignore-not-found", "-o", "name")
    assert (found, defined) == ("", "")
