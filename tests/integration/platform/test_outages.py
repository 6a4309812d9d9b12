"""A store that goes away gives 503, never a hang; when it comes back, service resumes without a restart."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.kit.topology import topology
from services.local.platform import Platform
from services.local.readiness import wait_until_ready
from services.local.samples import Sample
from tests.integration.platform.conftest import Buyer
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
BOOKABLE = {"areas": [{"section_id": "FLOOR", "quantity": 1}], "payment_method": "pm_card_visa"}


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
