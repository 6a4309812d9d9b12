"""The services of a running platform: on this machine, or wherever `<NAME>_SERVICE_URL` says."""

import os
from collections.abc import Callable
from typing import Any

import grpc

from services.kit.rpc.client import Peer
from services.local.identities import tool_security
from services.local.ports import service_port


def address_of(name: str) -> str:
    """As the services are told about each other, in the reference's words."""
    return os.environ.get(f"{name.upper()}_SERVICE_URL") or f"localhost:{service_port(name, 'grpc')}"


def peer[Stub](name: str, stub: Callable[[grpc.aio.Channel], Stub]) -> Peer[Stub]:
    return Peer(name, address_of(name), stub, service=f"{name}.{name.capitalize()}Service", security=tool_security())


def fields_of(message: Any, *names: str) -> dict[str, Any]:
    """Those fields of a message, for JSON."""
    return {name: getattr(message, name) for name in names}
