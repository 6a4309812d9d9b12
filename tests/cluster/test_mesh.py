"""The mesh on a real cluster: pods mount what the operator issues, and a sale goes on while modes and keys change."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from grpc_health.v1 import health_pb2

from protos.gen import booking_pb2
from services.kit.topology import topology
from tests.cluster.cluster import Cluster, wait_until
from tests.cluster.grpcurl import FILE, grpcurl
from tests.cluster.platforms import NAME, Platform
from tests.cluster.sale import failed_bookings, hold_sale, meanwhile
from tests.cluster.strangers import BOOKING

SPEAKERS = [service.name for service in topology().python_services if service.calls or "mesh" in service.ports]
AUTHORITY = "mesh-authority"
# Two rollouts of nine services each way, and twice the time that pods may take to see a Secret.
MODES_S, ROTATES_S = 300, 480
pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def strict(platform: Platform) -> Iterator[Platform]:
    platform.edit({"mesh": {"mtls": "strict"}})
    platform.wait_until_ready()
    yield platform
    platform.edit({"mesh": {"mtls": "off"}})
    platform.wait_until_ready()


def test_encryption_is_switched_on_and_off_while_a_sale_runs(cluster: Cluster, platform: Platform) -> None:
    def there_and_back() -> None:
        for mode in ("strict", "off"):
            platform.edit({"mesh": {"mtls": mode}})
            platform.wait_until_ready()

    around = meanwhile(there_and_back)
    verdict = hold_sale(cluster, platform.namespace, buyers=200, seed=21, rush_s=MODES_S, around=around)

    assert verdict.holds, verdict
    assert failed_bookings(verdict) == {}


def test_certificates_and_their_authority_are_rotated_while_a_sale_runs(cluster: Cluster, strict: Platform) -> None:
    pods = {pod["metadata"]["uid"] for service in SPEAKERS for pod in strict.pods(service)}
    before = of_authority(strict, "tls.crt")

    def rotate() -> None:
        annotate(strict, "rotate-certificates")
        annotate(strict, "rotate-authority")

        def left() -> str:
            if of_authority(strict, "tls.crt") == before:
                return "the old authority signs"
            return "the old authority is trusted" if of_authority(strict, "trusted.crt") else ""

        wait_until(left, within_s=ROTATES_S + 240)

    verdict = hold_sale(cluster, strict.namespace, buyers=200, seed=22, rush_s=ROTATES_S, around=meanwhile(rotate))

    assert verdict.holds, verdict
    assert failed_bookings(verdict) == {}
    assert {pod["metadata"]["uid"] for service in SPEAKERS for pod in strict.pods(service)} == pods, "none started anew"


def test_grpcurl_in_a_pod_without_an_identity_gets_health_and_nothing_else(cluster: Cluster, strict: Platform) -> None:
    plain, mesh = (f"booking:{BOOKING.ports[port]}" for port in ("grpc", "mesh"))
    known, health = ("-protoset", f"/schemas/{FILE}"), "grpc.health.v1.Health/Check"

    with grpcurl(cluster, strict.namespace, health_pb2.DESCRIPTOR, booking_pb2.DESCRIPTOR) as nobody:
        healthy = nobody.asks("-plaintext", *known, plain, health)
        listed = nobody.asks("-plaintext", plain, "list")
        refused = nobody.asks("-plaintext", *known, plain, "booking.BookingService/GetBooking")
        unheard = nobody.asks("-insecure", *known, mesh, health)

    assert "SERVING" in healthy
    assert "BookingService" not in listed
    assert "PermissionDenied" in refused
    assert "SERVING" not in unheard
    assert "certificate required" in unheard or "Failed to dial" in unheard


def test_pods_say_whose_certificate_they_show_and_until_when(cluster: Cluster, strict: Platform) -> None:
    for service in SPEAKERS:
        metrics = topology().services[service].metrics
        assert metrics is not None
        port = topology().services[service].ports[metrics.port]
        for pod in strict.pods(service):
            page = cluster.page(strict.namespace, pod["metadata"]["name"], port, metrics.path)
            found = re.search(r"^identity_expires_timestamp_seconds (\S+)", page, re.MULTILINE)
            assert found, service
            assert float(found[1]) > 0, service


def annotate(platform: Platform, word: str) -> None:
    platform.cluster.run(
        "annotate", "tp", NAME, "-n", platform.namespace, "--overwrite", f"ticketing.dev/{word}=tested"
    )


def of_authority(platform: Platform, key: str) -> str:
    """A public part of the authority's Secret; the key is not read."""
    path = "jsonpath={.data." + key.replace(".", r"\.") + "}"
    return platform.cluster.run("get", "secret", AUTHORITY, "-n", platform.namespace, "-o", path)
