"""The places of an event as the public API counts them."""

from __future__ import annotations

import asyncio
from typing import Final

from tests.load.sale.api import PublicApi, Refused
from tests.load.sale.evidence import Inventory, Section
from tests.load.sale.wire import Event

LOADED_S: Final = 60.0
LOOK_EVERY_S: Final = 0.25


class NotLoaded(Exception):
    """An event was published, and its places did not go on sale in time."""


async def inventory_of(api: PublicApi, event: Event) -> Inventory:
    """Section by section: a large house in one answer would be megabytes."""
    found: dict[tuple[str, str], Section] = {}
    for section in event.sections:
        snapshot = await api.seats(event.id, section.id)
        for one in snapshot.sections:
            sold = frozenset(seat.id for seat in one.seats if seat.state == "sold")
            found[event.id, one.id] = Section(capacity=one.capacity, held=one.held, sold=one.sold, sold_seats=sold)
    return found


async def wait_until_loaded(api: PublicApi, event: Event) -> Inventory:
    """Publishing loads the places through Kafka: a moment passes. Raises NotLoaded."""
    for _ in range(int(LOADED_S / LOOK_EVERY_S)):
        try:
            inventory = await inventory_of(api, event)
        except Refused as refused:
            if refused.reason not in {"unknown-event", "unknown-section"}:
                raise
        else:
            if all(_capacity(inventory, event, section.id) == section.capacity for section in event.sections):
                return inventory
        await asyncio.sleep(LOOK_EVERY_S)
    raise NotLoaded(f"event {event.id} has no places after {LOADED_S:.0f} s")


def _capacity(inventory: Inventory, event: Event, section_id: str) -> int:
    section = inventory.get((event.id, section_id))
    return section.capacity if section is not None else -1
