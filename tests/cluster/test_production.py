"""The production sample as it stands: external stores, real replicas and autoscalers, a strict mesh, monitoring.

What a test's cluster forces is changed, and no more: where images, stores and the PSP are, and what CPU pods ask for.
Stripe is its twin, which has no page for 3-D Secure. Mails go to the mailbox, in the clear: it knows no STARTTLS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO

import grpc
import pytest
from rich.console import Console

from services.kit.topology import topology
from tests.certificates import self_signed
from tests.cluster.cluster import Cluster, Object, wait_until
from tests.cluster.definitions import defined, published
from tests.cluster.metrics_server import metrics_server
from tests.cluster.platforms import NAME, SOLD, Platform, asking_little, leaves_nothing, sample, why_inactive
from tests.cluster.sale import failed_bookings, open_sale, way_in
from tests.cluster.stores import STRIPE_PORT, Stores, secret, stores
from tests.cluster.strangers import told_in_the_clear
from tests.load.sale.sale import run_sale
from tests.load.sale.settings import Shares

# Twenty-one pods and five brokers and stores beside another platform, on two cores.
READY_S, MEASURED_S = 900, 180
# Of what follows its CPU: less would be used up at rest, and scale it to the most.
ASKS = {"booking": "100m", "realtime": "50m"}
NO_BANK = Shares(approves_3ds=0, fails_3ds=0, abandons_3ds=0)
ROLES = {service.name.replace("-", "_") for service in topology().python_services if "postgres" in service.data}
ENCRYPTED = """
    SELECT DISTINCT usename, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
    WHERE client_addr IS NOT NULL AND usename <> 'owner'
"""
pytestmark = pytest.mark.timeout(2400)


@pytest.fixture(scope="module")
def theirs(cluster: Cluster) -> Iterator[Stores]:
    with stores(cluster) as found:
        yield found


@pytest.fixture(scope="module")
def production(cluster: Cluster, operator: object, theirs: Stores) -> Iterator[Platform]:
    """Ready, with events on sale; the last test deletes it."""
    monitoring = published("monitoring.coreos.com_*.yaml")
    with metrics_server(cluster), defined(cluster, monitoring), cluster.namespace("production") as namespace:
        cluster.apply(namespace, made_first(theirs))
        platform = Platform(cluster, namespace)
        platform.ask(wanted(theirs))
        platform.wait_until_ready(within_s=READY_S)
        open_sale(cluster, namespace)
        yield platform


def test_it_is_ready_with_all_its_services(cluster: Cluster, production: Platform) -> None:
    row = cluster.run("get", "tp", "-n", production.namespace, "--no-headers").split()

    assert row[:3] == [NAME, "True", "Running"]
    assert row[4] == "10/10"


def test_a_sale_through_its_stores_and_its_psp_ends_well(
    cluster: Cluster, production: Platform, theirs: Stores
) -> None:
    with (
        way_in(cluster, production.namespace, buyers=60, seed=41) as settings,
        cluster.forwarded(theirs.namespace, "service/stripe", STRIPE_PORT) as psp,
    ):
        settings = replace(settings, psp=f"http://{psp}", shares=NO_BANK)
        verdict = asyncio.run(run_sale(settings, Console(file=StringIO())))

    print(f"{verdict.confirmed} of {verdict.orders} orders confirmed, refused: {verdict.refused_by_reason}")
    assert verdict.holds, verdict
    assert verdict.confirmed > 0
    assert failed_bookings(verdict) == {}


@pytest.mark.usefixtures("production")
def test_every_connection_to_postgresql_is_encrypted(theirs: Stores) -> None:
    assert set(theirs.sql(ENCRYPTED).split()) == {f"{role}|t" for role in ROLES}


def test_a_call_in_the_clear_is_refused(cluster: Cluster, production: Platform) -> None:
    _, refused = told_in_the_clear(cluster, production.namespace)

    assert refused is grpc.StatusCode.PERMISSION_DENIED


def test_its_autoscalers_act(cluster: Cluster, production: Platform) -> None:
    def inactive() -> str:
        scalers = cluster.get("hpa", production.namespace)
        found = {one["metadata"]["name"]: why_inactive(one) for one in scalers}
        missing = set(ASKS) - found.keys()
        return "; ".join([*sorted(missing), *(f"{name}: {why}" for name, why in found.items() if why)])

    wait_until(inactive, within_s=MEASURED_S)


def test_it_is_published_and_watched(cluster: Cluster, production: Platform) -> None:
    ingresses = [one["spec"] for one in cluster.get("ingress", production.namespace)]
    monitors = cluster.get("servicemonitors", production.namespace)
    rules = cluster.get("prometheusrules", production.namespace)
    dashboards = cluster.get("configmaps", production.namespace, "grafana_dashboard=1")

    assert {tls["secretName"] for one in ingresses for tls in one["tls"]} == {"tickets-tls"}
    assert {rule["host"] for one in ingresses for rule in one["rules"]} == {"tickets.example.com"}
    assert len(monitors) == len(topology().python_services)
    assert {one["metadata"]["labels"]["release"] for one in [*monitors, *rules]} == {"prometheus"}
    assert "ticketing-invariants" in {one["metadata"]["name"] for one in rules}
    assert "dashboard-on-sale" in {one["metadata"]["name"] for one in dashboards}


def test_deleted_it_leaves_the_stores_as_they_are_and_nothing_else(
    cluster: Cluster, production: Platform, theirs: Stores
) -> None:
    pods, sold = theirs.pods(), theirs.sql(SOLD)

    leaves_nothing(production)

    assert theirs.pods() == pods
    assert theirs.sql(SOLD) == sold
    assert {one["metadata"]["name"] for one in cluster.get("secrets", production.namespace)} >= set(theirs.secrets)


def wanted(theirs: Stores) -> Object:
    resource = asking_little(sample("production"), but=ASKS)
    spec = resource["spec"]
    payment = spec["services"]["payment"] | {"env": {"STRIPE_API_BASE": theirs.stripe}}
    changed = {
        "image": spec["image"] | {"registry": "localhost"},
        "services": spec["services"] | {"payment": payment},
        **{store: spec[store] | where for store, where in theirs.spec().items()},
    }
    return resource | {"spec": spec | changed}


def made_first(theirs: Stores) -> list[Object]:
    """The Secrets that the sample names."""
    tls = self_signed("tickets.example.com")
    return [
        *(secret(name, keys) for name, keys in theirs.secrets.items()),
        secret("tickets-tls", {"tls.crt": tls.certificate, "tls.key": tls.key}),
        secret("registry", {".dockerconfigjson": '{"auths": {}}'}) | {"type": "kubernetes.io/dockerconfigjson"},
    ]
