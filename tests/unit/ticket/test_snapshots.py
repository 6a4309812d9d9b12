"""A crowd that watches an event costs as much as one who does."""

import asyncio

import pytest

from services.kit.errors import Refusal
from services.kit.ids import new_id
from services.ticket.domain.availability import Snapshot
from services.ticket.snapshots import Snapshots
from tests.twins.ticket_events import hall, order
from tests.twins.ticket_shop import Shop
from tests.twins.ticket_store import MemoryTicketStore


class CountingStore(MemoryTicketStore):
    scans = 0

    async def snapshot(self, event_id: str) -> Snapshot | None:
        self.scans += 1
        await asyncio.sleep(0)
        return await super().snapshot(event_id)


async def test_a_thousand_that_ask_at_once_are_one_read() -> None:
    store = CountingStore()
    layout = await Shop(store).open(hall(rows={"1": 3}))
    snapshots = Snapshots(store, lambda: 0.0)

    answers = await asyncio.gather(*(snapshots.get(layout.event.event_id) for _ in range(1000)))

    assert store.scans == 1
    assert {answer.version for answer in answers} == {1}


async def test_an_event_that_rests_is_not_read_again_and_one_that_changed_is() -> None:
    store, now = CountingStore(), [0.0]
    shop = Shop(store)
    layout = await shop.open(hall(rows={"1": 3}))
    snapshots = Snapshots(store, lambda: now[0])
    await snapshots.get(layout.event.event_id)

    now[0] += 1
    await snapshots.get(layout.event.event_id)
    assert store.scans == 1
    await shop.reserve(order(layout, "A-1-1"))
    assert (await snapshots.get(layout.event.event_id)).version == 1
    now[0] += 1
    assert (await snapshots.get(layout.event.event_id, "A")).places["A"].rows[0].states == "hff"
    assert store.scans == 2


async def test_an_unknown_event_is_refused_to_everybody_and_may_appear_later() -> None:
    store = CountingStore()
    snapshots, event_id = Snapshots(store, lambda: 0.0), new_id()

    refused = await asyncio.gather(*(snapshots.get(event_id) for _ in range(3)), return_exceptions=True)

    assert [one.reason for one in refused if isinstance(one, Refusal)] == ["unknown-event"] * 3
    await Shop(store).open(hall(rows={"1": 1}, event_id=event_id))
    assert (await snapshots.get(event_id)).version == 1
    with pytest.raises(Refusal, match="no such section"):
        await snapshots.get(event_id, "B")
