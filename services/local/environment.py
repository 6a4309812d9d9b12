"""What each process of a local run is told: the table's ports, and stores of the machine or of ours."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.kit.topology import Service
from services.local.bytecode import bytecode_environment
from services.local.ports import mailbox_port, service_port, service_ports, store_port

HOST: Final = "127.0.0.1"
# Packages that services do without, although this environment has them.
ABSENT: Final = Path(__file__).with_name("absent")


# Caller, callee, port of the callee → port that the caller is told: a rehearsal puts wires in between that it can cut.
type Route = Callable[[str, str, int], int]


def direct(caller: str, callee: str, port: int) -> int:
    return port


def _secret() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where the data stores are, in the reference's words (`POSTGRES_HOST`, …)."""

    postgres_host: str = HOST
    postgres_port: int = field(default_factory=lambda: store_port("postgres"))
    postgres_password: str = field(repr=False)
    # The embedded one speaks no TLS; to try it all the same would load the machine's certificates into each process.
    postgres_sslmode: str = "disable"
    redis_host: str = HOST
    redis_port: int = field(default_factory=lambda: store_port("redis"))
    kafka_brokers: str = field(default_factory=lambda: f"{HOST}:{store_port('kafka')}")
    # A real broker divides partitions among the members of a group; the embedded one is slow at it.
    kafka_join_groups: bool = False

    def environment(self, caller: str, route: Route = direct) -> dict[str, str]:
        return {
            "POSTGRES_HOST": self.postgres_host,
            "POSTGRES_PORT": str(route(caller, "postgres", self.postgres_port)),
            "POSTGRES_PASSWORD": self.postgres_password,
            "POSTGRES_SSLMODE": self.postgres_sslmode,
            "REDIS_HOST": self.redis_host,
            "REDIS_PORT": str(route(caller, "redis", self.redis_port)),
            "KAFKA_BROKERS": self.kafka_brokers,
            "KAFKA_JOIN_GROUPS": str(self.kafka_join_groups).lower(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Made anew for every run: nothing of a local run is worth keeping."""

    auth_key: str = field(default_factory=_secret, repr=False)
    admin_password: str = field(default_factory=_secret, repr=False)
    organiser_password: str = field(default_factory=_secret, repr=False)


ADMIN_EMAIL: Final = "admin@example.com"
ORGANISER_EMAIL: Final = "organiser@example.com"


def service_environment(service: Service, stores: Stores, secret: Secrets, route: Route = direct) -> dict[str, str]:
    """The whole environment of one service: the machine's, with ours over it."""
    ports = {f"{name.upper()}_PORT": str(port) for name, port in service_ports(service).items()}
    return (
        dict(os.environ)
        | stores.environment(service.name, route)
        | ports
        | _peers(service, route)
        | bytecode_environment(service)
        | {
            "BIND_HOST": HOST,
            # The same after a restart, so that a process knows what an earlier life of it had begun.
            "INSTANCE_ID": service.name,
            "AUTH_KEY_SECRET": secret.auth_key,
            "AUTH_ADMIN_EMAIL": ADMIN_EMAIL,
            "AUTH_ADMIN_PASSWORD": secret.admin_password,
            "MAIL_HOST": HOST,
            "MAIL_PORT": str(mailbox_port("smtp")),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ABSENT),
            # Large blocks (a password's 19 MiB of Argon2) go back to the machine when they are done with.
            "MALLOC_MMAP_THRESHOLD_": "1048576",
            "MALLOC_TRIM_THRESHOLD_": "1048576",
            "MALLOC_ARENA_MAX": "2",
        }
        | _chosen_by_whoever_runs_it()
    )


def _peers(service: Service, route: Route) -> dict[str, str]:
    ports = {peer: route(service.name, peer, service_port(peer, "grpc")) for peer in service.calls}
    return {f"{peer.upper()}_SERVICE_URL": f"{HOST}:{port}" for peer, port in ports.items()}


def _chosen_by_whoever_runs_it() -> dict[str, str]:
    """Settings with a default of ours here, which the machine's environment overrides."""
    ours = {
        "PAYMENT_PROVIDER": "sandbox",
        "PUBLIC_URL": f"http://localhost:{service_port('payment', 'http')}",
        # Mails lead to the web app.
        "MAIL_SITE_URL": f"http://localhost:{service_port('frontend', 'http')}",
        # A crowd on a laptop comes from one address.
        "RATE_LIMIT_ADDRESS_PER_MIN": "0",
        "LOG_LEVEL": "info",
    }
    return {name: os.environ.get(name, value) for name, value in ours.items()}
