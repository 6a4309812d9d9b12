"""A store that goes away gives 503, never a hang; when it comes back, service resumes without a restart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from services.kit.topology import topology
from services.local.platform import Platform, wait_until_ready
from services.local.samples import Sample
from tests.integration.platform.conftest import Buyer
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
MIB = 1024 * 1024
BOOKABLE = {"areas": [{"section_id": "FLOOR", "quantity": 1}], "payment_method": "pm_card_visa"}


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


async def test_ten_services_fit_in_a_gibibyte(running: Platform) -> None:
    services = {name: pid for name, pid in running.supervisor.pids().items() if name != "mailbox"}

    resident = {name: resident_bytes(pid) for name, pid in services.items()}

    assert len(resident) == 10
    assert sum(resident.values()) < 1024 * MIB, {name: size // MIB for name, size in resident.items()}


@pytest.mark.parametrize("store", ["Valkey", "PostgreSQL"])
async def test_a_store_that_is_gone_is_a_503_and_then_is_not(
    running: Platform, buyer: Buyer, samples: Sequence[Sample], store: str
) -> None:
    order = BOOKABLE | {"event_id": samples[-1].event_id}

    await running.embedded[store].kill()
    await until(lambda: _answers(buyer, order, 503), within_s=30)
    await running.embedded[store].start()

    await until(lambda: _answers(buyer, order, 202), within_s=60)
    await wait_until_ready(topology().python_services)


async def _answers(buyer: Buyer, order: object, expected: int) -> bool:
    return (await buyer.post("/api/v1/bookings", order))[0] == expected
