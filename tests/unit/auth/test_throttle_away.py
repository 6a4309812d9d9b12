"""What a login does without its throttle, and what an address stands for."""

import pytest
from structlog.testing import capture_logs

from services.auth.throttle import LenientThrottle, network_of
from services.kit.errors import DependencyDown
from tests.twins.auth_clock import VirtualClock
from tests.twins.auth_throttle import LIMITS, MemoryThrottle


class FaultyThrottle(MemoryThrottle):
    away = True

    async def begin(self, account: str, address: str) -> float:
        if self.away:
            raise DependencyDown("redis")
        return await super().begin(account, address)


async def test_logins_go_on_and_it_is_said_once_each_time_it_goes_away() -> None:
    faulty = FaultyThrottle(LIMITS, VirtualClock())
    throttle = LenientThrottle(faulty)

    with capture_logs() as logs:
        for _ in range(20):
            assert await throttle.begin("ada@example.com", "") == 0
        faulty.away = False
        for _ in range(5):
            assert await throttle.begin("ada@example.com", "") == 0
        assert await throttle.begin("ada@example.com", "") == 10
        faulty.away = True
        assert await throttle.begin("ada@example.com", "") == 0

    assert [entry["event"] for entry in logs] == ["throttle_away"] * 2
    assert "ada" not in str(logs)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_an_ipv6_client_has_a_whole_network(address: str, network: str) -> None:
    assert network_of(address) == network
