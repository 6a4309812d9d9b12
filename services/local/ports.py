"""Which ports a local run uses: the table's, all moved by LOCAL_PORT_OFFSET, so that two platforms fit on a machine."""

import os
from collections.abc import Mapping

from services.kit.topology import Service, topology


def offset() -> int:
    return int(os.environ.get("LOCAL_PORT_OFFSET", "0"))


def service_ports(service: Service) -> Mapping[str, int]:
    return {name: port + offset() for name, port in service.local_ports.items()}


def service_port(name: str, port: str) -> int:
    return topology().services[name].local_ports[port] + offset()


def store_port(name: str) -> int:
    return topology().stores[name] + offset()


def mailbox_port(name: str) -> int:
    return topology().mailbox[name] + offset()
