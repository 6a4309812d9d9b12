"""Stores as production has them, somebody else's: PostgreSQL over TLS, Redis with a password, three brokers, a PSP."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.certificates import self_signed
from tests.cluster.cluster import HELPER, REPOSITORY, VERSION, Cluster, Object
from tests.cluster.images import build
from tests.twins import payment_stripe

MANIFESTS = Path(__file__).parent / "manifests"
# The helper's own stand-in of the official image is built without TLS.
POSTGRES = "localhost/postgres-tls:18" if HELPER.exists() else "docker.io/library/postgres:18"
# Whatever image has a Python and aiohttp: this one belongs to no service.
PYTHON = f"localhost/ticketing/mailbox:{VERSION}"
PARTS = ("statefulset/postgres", "statefulset/redis", "statefulset/kafka", "deployment/stripe")
READY_S = 300
STRIPE_PORT = 443
# No Stripe is reached from a test.
TWIN = [REPOSITORY / f"tests/twins/{name}.py" for name in ("payment_stripe", "payment_stripe_server")]


@dataclass(frozen=True)
class Stores:
    cluster: Cluster
    namespace: str
    # Name → keys, as the sample names them.
    secrets: Mapping[str, Mapping[str, str]]

    def host(self, name: str) -> str:
        return f"{name}.{self.namespace}.svc"

    def spec(self) -> Mapping[str, Any]:
        """What a platform is told about them, and nothing that the sample says already."""
        brokers = ",".join(f"kafka-{number}.{self.host('kafka')}:9092" for number in range(3))
        return {
            "postgres": {"host": self.host("postgres")},
            "redis": {"host": self.host("redis")},
            "kafka": {"brokers": brokers},
        }

    @property
    def stripe(self) -> str:
        return f"http://{self.host('stripe')}:{STRIPE_PORT}/stripe"

    def sql(self, statement: str) -> str:
        """What PostgreSQL answers its owner, a row a line."""
        program = 'PGPASSWORD=$POSTGRES_PASSWORD psql -h 127.0.0.1 -U "$POSTGRES_USER" -d ticketing -qtAc "$0"'
        words = ["exec", "-n", self.namespace, "postgres-0", "--", "sh", "-c", program, statement]
        return self.cluster.run(*words).strip()

    def pods(self) -> Mapping[str, tuple[str, int]]:
        """Pod → which it is, and how often its container has started anew."""
        return {
            pod["metadata"]["name"]: (pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"])
            for pod in self.cluster.get("pods", self.namespace)
        }


@contextmanager
def stores(cluster: Cluster) -> Iterator[Stores]:
    """Ready, in a namespace of their own, as long as the block lasts."""
    if HELPER.exists():
        build(MANIFESTS / "postgres-tls", POSTGRES)
    with cluster.namespace("stores") as namespace:
        found = Stores(cluster, namespace, _secrets())
        tls = self_signed(found.host("postgres"))
        own = {**found.secrets, "postgres-tls": {"tls.crt": tls.certificate, "tls.key": tls.key}}
        cluster.apply(namespace, [*map(secret, own, own.values()), *_objects()])
        for part in PARTS:
            words = ["rollout", "status", part, "-n", namespace, f"--timeout={READY_S}s"]
            cluster.run(*words, timeout_s=READY_S + 10)
        yield found


def secret(name: str, keys: Mapping[str, str]) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict(keys)}


def _secrets() -> Mapping[str, Mapping[str, str]]:
    return {
        "postgres-owner": {"username": "owner", "password": secrets.token_hex(16)},
        "redis-auth": {"password": secrets.token_hex(16)},
        "stripe": {"secret-key": payment_stripe.KEY, "webhook-secret": payment_stripe.WEBHOOK_SECRET},
    }


def _objects() -> Sequence[Object]:
    text = (MANIFESTS / "stores.yaml").read_text()
    for word, image in {"POSTGRES_IMAGE": POSTGRES, "PYTHON_IMAGE": PYTHON}.items():
        text = text.replace(word, image)
    twin = {path.name: path.read_text() for path in TWIN}
    files = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stripe"}, "data": twin}
    return [files, *yaml.safe_load_all(text)]
