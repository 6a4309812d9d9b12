"""The table of services (topology.yaml) as values: the only reader of ports, connections and stores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

# Who looks after the platform: a caller that is no service.
SUPPORT = "support"
TABLE = Path(__file__).parents[2] / "topology.yaml"


@dataclass(frozen=True, slots=True)
class Page:
    """An HTTP page of a service: the name of its port and its path."""

    port: str
    path: str


@dataclass(frozen=True, slots=True)
class Person:
    """The field of a request that names for whom it acts."""

    field: str
    # Left empty, it acts for nobody; else, for anybody.
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One row of the table."""

    name: str
    folder: str
    ports: Mapping[str, int]
    # The same ports when all services share one host.
    local_ports: Mapping[str, int]
    health: Page
    metrics: Page | None
    calls: tuple[str, ...]
    data: tuple[str, ...]
    # Method of its gRPC service → the peers that may call it.
    granted: Mapping[str, frozenset[str]]
    # Caller → method of its gRPC service → for whom it acts.
    persons: Mapping[str, Mapping[str, Person]]

    @property
    def module(self) -> str:
        """The import path of its package."""
        return self.folder.replace("/", ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    services: Mapping[str, Service]
    # Store name → port.
    stores: Mapping[str, int]
    # Ports of the local mailbox: smtp, http.
    mailbox: Mapping[str, int]
    # Ports of what watches a local run: prometheus.
    observe: Mapping[str, int]
    # Topic → the service that writes it.
    topics: Mapping[str, str]

    @property
    def python_services(self) -> tuple[Service, ...]:
        """Those this repository runs as Python processes, in the order of the table."""
        return tuple(service for service in self.services.values() if service.metrics)

    def callers_of(self, name: str) -> tuple[str, ...]:
        return tuple(peer.name for peer in self.services.values() if name in peer.calls)


def _service(
    name: str, row: Mapping[str, Any], grants: Mapping[str, Sequence[str]], persons: Mapping[str, Any]
) -> Service:
    metrics = row.get("metrics")
    methods = {method for of_caller in grants.values() for method in of_caller}
    return Service(
        name=name,
        folder=row["folder"],
        ports=row["ports"],
        local_ports=row["ports"] | row.get("local", {}),
        health=Page(**row["health"]),
        metrics=Page(**metrics) if metrics else None,
        calls=tuple(row["calls"]),
        data=tuple(row["data"]),
        granted={method: frozenset(who for who in grants if method in grants[who]) for method in methods},
        persons={caller: dict(_persons(fields)) for caller, fields in persons.items()},
    )


def _persons(fields: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Person]]:
    for field, methods in fields.items():
        for method in methods:
            yield method, Person(field.removesuffix("?"), optional=field.endswith("?"))


@cache
def topology() -> Topology:
    """Read the table once. A malformed table is a fault of this repository and raises at start."""
    table = yaml.safe_load(TABLE.read_text())
    grants, persons = table["grants"], table["persons"]
    return Topology(
        services={
            name: _service(name, row, grants.get(name, {}), persons.get(name, {}))
            for name, row in table["services"].items()
        },
        stores={name: row["port"] for name, row in table["stores"].items()},
        mailbox=table["mailbox"],
        observe=table["observe"],
        topics={name: row["producer"] for name, row in table["topics"].items()},
    )
