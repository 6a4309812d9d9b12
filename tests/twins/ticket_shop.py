"""The ticket service without its edges, over the twin or over PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.database.engine import open_engine, transaction
from services.kit.errors import Refusal
from services.kit.ids import new_id
from services.ticket.domain.event import Layout
from services.ticket.domain.hold import GiveBack, Hold, Order, Sale, SignedTicket, Ticket
from services.ticket.handlers import TicketHandlers
from services.ticket.ports import Store
from services.ticket.repository.books import PostgresBooks
from services.ticket.repository.store import PostgresStore
from tests.conftest import Stores, database_settings
from tests.twins.ticket_events import USER
from tests.twins.ticket_store import MemoryTicketStore

LASTS = timedelta(minutes=8)


class PlainSigner:
    """A signature anybody could make."""

    async def sign(self, tickets: Sequence[Sequence[Ticket]]) -> Sequence[Sequence[SignedTicket]]:
        return [[SignedTicket(one, f"signed {one.ticket_id}") for one in of_hold] for of_hold in tickets]

    async def jwks(self) -> str:
        return '{"keys": []}'


@dataclass
class Shop:
    store: Store
    engine: AsyncEngine | None = None
    woken: list[None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.handlers = TicketHandlers(self.store, PlainSigner(), lambda: self.woken.append(None), hold_lasts=LASTS)

    async def open(self, layout: Layout) -> Layout:
        await self.handlers.events_changed({new_id(): layout}, {})
        return layout

    async def reserve(self, order: Order) -> Hold:
        return told(await self.handlers.reserve([order]))

    async def confirm(self, key: str, *, user_id: str = USER) -> Sequence[SignedTicket]:
        return told(await self.handlers.confirm([Sale(key, f"booking-{key}", user_id)]))

    async def release(self, key: str, event_id: str = "") -> int:
        return told(await self.handlers.release([GiveBack(key, event_id)]))

    async def let_time_pass(self, *keys: str) -> None:
        """Those holds are over now, but nobody has freed them yet."""
        if isinstance(self.store, MemoryTicketStore):
            past, kept = self.store.now - timedelta(seconds=1), self.store.state.kept
            kept.update({key: replace(kept[key], expires_at=past) for key in keys})
        elif self.engine is not None:
            over = text("""
                UPDATE holds SET expires_at = now() - interval '1 second' WHERE key = :key AND state = 'held'
            """)
            # One by one: these locks are not taken in the service's order.
            for key in keys:
                async with transaction(self.engine) as tx:
                    await tx.execute(over, {"key": key})

    async def contradictions(self, layout: Layout) -> Sequence[object]:
        """What of the hall's books can not be true."""
        if isinstance(self.store, MemoryTicketStore):
            return ["a seat has two tickets"] * self.store.sold_twice()
        assert self.engine is not None
        return await PostgresBooks(self.engine).contradictions(layout.event.event_id)

    async def states(self, layout: Layout) -> Mapping[str, str]:
        """Seat id → f, h or s."""
        snapshot = await self.store.snapshot(layout.event.event_id)
        assert snapshot is not None
        return {
            f"{section_id}-{row.label}-{number}": state
            for section_id, places in snapshot.places.items()
            for row in places.rows
            for number, state in enumerate(row.states, start=1)
        }

    async def counts(self, layout: Layout, section_id: str) -> tuple[int, int]:
        """Held and sold places of a section."""
        snapshot = await self.store.snapshot(layout.event.event_id)
        assert snapshot is not None
        return snapshot.places[section_id].held, snapshot.places[section_id].sold


def told[R](outcomes: Sequence[R | Refusal]) -> R:
    """The only outcome, raised if it is a refusal."""
    (outcome,) = outcomes
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def reasons(outcomes: Collection[object]) -> list[str]:
    return [outcome.reason if isinstance(outcome, Refusal) else "" for outcome in outcomes]


@asynccontextmanager
async def shop_over(stores: Stores | None) -> AsyncIterator[Shop]:
    if stores is None:
        yield Shop(MemoryTicketStore())
        return
    engine = open_engine(database_settings("ticket", stores))
    yield Shop(PostgresStore(engine), engine)
    await engine.dispose()
