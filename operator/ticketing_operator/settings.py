"""All that the operator's process may be told from outside; the only reader of the environment."""

import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

REPOSITORY = Path(__file__).parents[2]


class OperatorSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="OPERATOR_")

    # Comma separated; empty: all namespaces, which needs a ClusterRole.
    namespaces: Annotated[tuple[str, ...], NoDecode] = ()
    # Where the charts are, and the program that renders them.
    charts: Path = REPOSITORY / "charts"
    helm: str = "helm"
    # Every platform is looked at this often, whatever the watches tell. At rest that reads nothing and writes nothing.
    resync_s: float = Field(default=60.0, gt=0, le=3600)
    # Everything is listed this often, against what watches may have missed.
    relist_s: float = Field(default=900.0, gt=0, le=86_400)
    # How long it may take until every pod has seen a Secret that was changed: the kubelet looks every 60 to 90 s, and a
    # service at its next call. A new authority signs, and an old one goes, only after that.
    secrets_settle_s: float = Field(default=180.0, ge=0, le=3600)
    # Platforms looked at side by side.
    workers: int = Field(default=4, ge=1, le=64)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    # 0: not served.
    metrics_port: int = Field(default=9090, ge=0, le=65535)
    health_port: int = Field(default=8080, ge=0, le=65535)
    bind_host: str = "0.0.0.0"  # noqa: S104 - a container's only interface

    leader_election: bool = True
    # Of the Lease.
    lease_namespace: str = "default"
    lease_name: str = Field(default="ticketing-operator", min_length=1)
    identity: str = Field(default_factory=socket.gethostname, min_length=1)
    lease_s: int = Field(default=15, ge=3)

    @field_validator("namespaces", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
