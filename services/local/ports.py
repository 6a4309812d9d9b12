"""Which ports a local run uses: the table's, all moved by LOCAL_PORT_OFFSET, so that two platforms fit on a machine."""

import os
from collections.abc import Mapping
from typing import Final

from services.kit.topology import Service, topology

# The highest port of the table and this are still a port.
MOST: Final = 14_000


class BadOffset(ValueError):
    """LOCAL_PORT_OFFSET is no number that all ports can be moved by."""


def offset() -> int:
    text = os.environ.get("LOCAL_PORT_OFFSET", "0")
    if not (text.isdecimal() and int(text) <= MOST):
        raise BadOffset(f"LOCAL_PORT_OFFSET: must be 0 to {MOST}, not {text!r}")
    return int(text)


def service_ports(service: Service) -> Mapping[str, int]:
    return {name: port + offset() for name, port in service.local_ports.items()}


def service_port(name: str, port: str) -> int:
    return topology().services[name].local_ports[port] + offset()


def store_port(name: str) -> int:
    return topology().stores[name] + offset()


def prometheus_port() -> int:
    return topology().observe["prometheus"] + offset()


def mailbox_port(name: str) -> int:
    return topology().mailbox[name] + offset()
