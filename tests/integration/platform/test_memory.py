"""What ten services hold at rest: on a platform of its own, fresh, as `make run` starts it."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.local.platform import Platform, platform
from tests.ports import use_free_ports
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
MIB = 1024 * 1024
PAGE = resource.getpagesize()


@pytest_asyncio.fixture(loop_scope="session")
async def fresh(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Platform]:
    monkeypatch.delenv("MESH_MTLS", raising=False)
    # The ports of the platform that other tests share come back with the end of this one.
    monkeypatch.setenv("LOCAL_PORT_OFFSET", "")
    use_free_ports()
    async with platform(lambda _name, _line: None, lambda _: None) as started:
        yield started


async def test_ten_services_fit_in_a_gibibyte(fresh: Platform) -> None:
    pids = {name: pid for name, pid in fresh.supervisor.pids().items() if name != "mailbox"}
    resident: dict[str, int] = {}

    def fits() -> bool:
        resident.update({name: resident_mib(pid) for name, pid in pids.items()})
        return sum(resident.values()) < 1024

    assert len(pids) == 10
    # What was needed to start is given back within the first half minute.
    try:
        await until(fits, within_s=60, every_s=1)
    except TimeoutError:
        pytest.fail(f"{sum(resident.values())} MiB: {resident}")


def resident_mib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE // MIB
