"""What any process may be told from outside. A service's settings add to these; nothing else reads the environment."""

import socket
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.kit.rpc.identity import NAMESPACE, Mode, Security
from services.kit.spiffe import TRUST_DOMAIN
from services.kit.topology import Service, topology

STORES = topology().stores


class ServiceSettings(BaseSettings):
    """One per process, read once in `__main__`; a missing or wrong value stops the process before it listens."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", validate_default=True)

    # The row of the table this process is.
    service: ClassVar[str]

    # Names this process among its replicas.
    instance_id: str = Field(default_factory=socket.gethostname, min_length=1, max_length=200)
    # Address to listen on; loopback on a laptop.
    bind_host: str = "0.0.0.0"  # noqa: S104 - a container's only interface
    # 0 means: as the table says.
    grpc_port: int = Field(default=0, ge=0, le=65535)
    http_port: int = Field(default=0, ge=0, le=65535)
    metrics_port: int = Field(default=0, ge=0, le=65535)
    mesh_port: int = Field(default=0, ge=0, le=65535)
    # By how much this process's clock is wrong (ahead, or with a minus behind): for rehearsals, never for a sale.
    clock_skew_s: float = Field(default=0.0, ge=-3600, le=3600)
    # Whether peers have to show a certificate; see services/kit/rpc/identity.py.
    mesh_mtls: Mode = "off"
    # Folder with tls.crt, tls.key and ca.crt.
    mesh_identity: Path = Path("/var/run/ticketing/identity")
    mesh_trust_domain: str = Field(default=TRUST_DOMAIN, pattern=r"^[a-z0-9._-]{1,255}$")
    # The platform's, in its identities.
    mesh_namespace: str = Field(default=NAMESPACE, pattern=r"^[a-z0-9-]{1,63}$")
    # Whether it may be asked which methods there are: by anybody, in a strict mesh by who shows a certificate.
    grpc_reflection: bool = True
    # Calls at work at once, of those with one question and one answer; more are turned away.
    grpc_max_at_work: int = Field(default=1_000, ge=1, le=100_000)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    # How long a stopping process says "not ready" before it stops listening, so that balancers have seen it.
    drain_s: float = Field(default=0.0, ge=0, le=60)
    # How long calls under way may take to finish after that.
    grace_s: float = Field(default=8.0, gt=0, le=120)
    # Where traces go (OTLP over gRPC), e.g. http://collector:4317; empty: nowhere, and they cost nothing.
    otel_exporter_otlp_endpoint: str = ""
    # Share of new traces that are kept, 0 to 1; the gateway decides, everybody else follows.
    trace_ratio: float = Field(default=0.1, ge=0, le=1)
    # A call or message that took longer is kept, alone, also when its trace is not.
    trace_slow_s: float = Field(default=2.0, gt=0)

    @property
    def row(self) -> Service:
        return topology().services[self.service]

    @property
    def security(self) -> Security:
        return Security(self.mesh_mtls, self.mesh_identity, self.mesh_trust_domain, self.mesh_namespace, self.service)

    def port(self, name: str) -> int:
        """The port of that name in the table, unless told otherwise."""
        return int(getattr(self, f"{name}_port")) or self.row.ports[name]


class PostgresSettings(BaseSettings):
    """One database, one schema and one role per service; the role is named as the service, with `_`."""

    # What is wrong is told without what was given: it may be a password.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    postgres_host: str = "localhost"
    postgres_port: int = Field(default=STORES["postgres"], gt=0, le=65535)
    postgres_db: str = "ticketing"
    # Empty: the service's name.
    postgres_user: str = ""
    postgres_password: SecretStr = SecretStr("")
    postgres_sslmode: Literal["disable", "prefer", "require", "verify-full"] = "prefer"
    # File of the authorities that `verify-full` trusts; empty: those of the machine.
    postgres_ca: str = ""
    # Connections a process keeps, and as many again in a rush.
    postgres_pool: int = Field(default=5, ge=1, le=100)

    service: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _role_is_service(cls, values: dict[str, object]) -> dict[str, object]:
        if not values.get("postgres_user"):
            values["postgres_user"] = cls.service.replace("-", "_")
        return values


class KafkaSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    # host:port, comma separated.
    kafka_brokers: str = f"localhost:{STORES['kafka']}"
    # False where every service has one process only: it reads all partitions at once instead of joining its group.
    # The embedded broker lets a member wait 8 s to join, and 20 s more when the last one died.
    kafka_join_groups: bool = True


class RedisSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    redis_host: str = "localhost"
    redis_port: int = Field(default=STORES["redis"], gt=0, le=65535)
    redis_password: SecretStr = SecretStr("")
    redis_db: int = Field(default=0, ge=0, le=15)
    redis_tls: bool = False
    # File of the authorities that are trusted then; empty: those of the machine.
    redis_ca: str = ""


def peer_url(name: str) -> str:
    """Where a peer is unless told otherwise: the reference's `localhost:<port>`."""
    return f"localhost:{topology().services[name].ports['grpc']}"


def own_url(name: str) -> str:
    """Where a browser on this machine reaches a service's HTTP port, unless told otherwise."""
    return f"http://localhost:{topology().services[name].ports['http']}"


class KeysSettings(BaseSettings):
    """For services that act for persons, and read auth's keys to know for whom."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    auth_service_url: str = peer_url("auth")
