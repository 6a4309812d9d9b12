"""ticket: prices, and which places are free, encoded once for a crowd that asks at the same time."""

from __future__ import annotations

import asyncio
import gzip
from typing import Final, Literal

import msgspec

from protos.gen import ticket_pb2 as pb
from services.gateway.cache import Coalescing
from services.gateway.clients.events_wire import to_kind, to_tier
from services.gateway.clients.peers import Peers
from services.gateway.models.events import Pricing, SectionPrice
from services.gateway.models.seats import Seat, Seats, SectionSeats
from services.kit.errors import Kind, Refusal

FRESH_S: Final = 0.5
MISSING_S: Final = 1.0
# Encoded, the largest is about a megabyte.
REMEMBERED: Final = 32
# Fast rather than small: it is done anew at every change.
_LEVEL: Final = 1
_STATES: Final[dict[str, Literal["free", "held", "sold"]]] = {"f": "free", "h": "held", "s": "sold"}
_ENCODE: Final = msgspec.json.Encoder().encode


class NoSuchSection(Refusal):
    """A path or query that names a section the event does not have."""

    kind, reason = Kind.INVALID, "unknown-section"

    def __init__(self) -> None:
        super().__init__("section: the event has no such section")


class Snapshot:
    """The places of an event at one version; each form of it is encoded when it is first asked for."""

    def __init__(self, seats: Seats) -> None:
        self.seats = seats
        self._encoded: dict[str, bytes] = {}
        self._zipped: dict[str, asyncio.Task[bytes]] = {}

    @property
    def version(self) -> int:
        return self.seats.version

    def encoded(self, section: str) -> bytes:
        """All of it, or one section (refuses NoSuchSection)."""
        body = self._encoded.get(section)
        if body is None:
            body = self._encoded[section] = _ENCODE(self._only(section))
        return body

    async def zipped(self, section: str) -> bytes:
        """The same, compressed beside the event loop."""
        body = self.encoded(section)
        task = self._zipped.get(section)
        if task is None or task.cancelled():
            task = asyncio.create_task(asyncio.to_thread(gzip.compress, body, _LEVEL), name="gzip:seats")
            self._zipped[section] = task
        return await asyncio.shield(task)

    def _only(self, section: str) -> Seats:
        if not section:
            return self.seats
        chosen = [candidate for candidate in self.seats.sections if candidate.id == section]
        if not chosen:
            raise NoSuchSection
        return Seats(self.seats.event_id, self.seats.version, chosen)


class TicketClient:
    def __init__(self, peers: Peers) -> None:
        self._ticket = peers.ticket
        self._last: dict[str, Snapshot] = {}
        self._snapshots: Coalescing[Snapshot] = Coalescing(
            self._load, name="seats", found_s=FRESH_S, missing_s=MISSING_S, most=REMEMBERED
        )

    async def seats(self, event_id: str) -> Snapshot:
        return await self._snapshots.get(event_id)

    async def pricing(self, event_id: str) -> Pricing:
        reply = await self._ticket.call(self._ticket.stub.GetPricing, pb.GetPricingRequest(event_id=event_id))
        prices = [SectionPrice(price.section_id, price.tier_id) for price in reply.sections]
        return Pricing(event_id, [to_tier(tier) for tier in reply.tiers], prices)

    async def close(self) -> None:
        await self._snapshots.close()

    async def _load(self, event_id: str) -> Snapshot:
        request = pb.GetAvailabilityRequest(event_id=event_id)
        reply = await self._ticket.call(self._ticket.stub.GetAvailability, request)
        last = self._last.pop(event_id, None)
        if last is None or last.version != reply.version:
            last = Snapshot(_seats(reply))
        self._last[event_id] = last  # At the end: the one not asked for longest is first.
        if len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]
        return last


def _seats(reply: pb.GetAvailabilityResponse) -> Seats:
    return Seats(reply.event_id, reply.version, [_section(section) for section in reply.sections])


def _section(section: pb.SectionAvailability) -> SectionSeats:
    prefix = section.section_id
    return SectionSeats(
        id=prefix,
        name=section.name,
        kind=to_kind(section.kind),
        tier_id=section.tier_id,
        capacity=section.capacity,
        free=section.free,
        held=section.held,
        sold=section.sold,
        seats=[
            Seat(f"{prefix}-{row.label}-{number}", row.label, number, _STATES[state])
            for row in section.rows
            for number, state in enumerate(row.states, start=1)
        ],
    )
