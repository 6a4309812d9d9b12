import socket

import pytest

from services.kit.topology import topology
from services.local.platform import refuse_taken_ports
from services.local.ports import service_port
from services.local.stores import StoreFailed
from tests.ports import use_free_ports

BOOKING = topology().services["booking"]


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> int:
    """booking's RPC port where nothing of this machine listens."""
    monkeypatch.setenv("LOCAL_PORT_OFFSET", "0")
    use_free_ports()
    return service_port("booking", "grpc")


def test_a_port_that_somebody_listens_on_is_refused_by_name(free: int) -> None:
    with socket.create_server(("127.0.0.1", free)), pytest.raises(StoreFailed, match=rf"{free} for booking \(grpc\)"):
        refuse_taken_ports([BOOKING])


def test_a_connection_that_leaves_by_a_port_does_not_keep_a_platform_from_starting(free: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        address = ("127.0.0.1", elsewhere.getsockname()[1])
        with socket.create_connection(address, source_address=("127.0.0.1", free)):
            refuse_taken_ports([BOOKING])
