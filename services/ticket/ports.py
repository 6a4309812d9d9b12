"""What the handlers need: a store of places, and what signs tickets."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from services.kit.invariants import Repair, Violation
from services.ticket.domain.availability import Places, Snapshot
from services.ticket.domain.event import Event, Layout, Locked
from services.ticket.domain.hold import Hold, SignedTicket, Ticket
from services.ticket.domain.stock import Asked, Changes, Stock
from services.ticket.domain.watched import Standing


class Raced(Exception):
    """Somebody else's transaction changed what this one relied on: undo it and decide anew."""


class Inventory(Protocol):
    """Events, places and holds within one transaction."""

    async def lock(self, *, event_ids: Collection[str] = (), keys: Collection[str] = ()) -> Locked:
        """Those events that exist, and those that the keys' holds are of, for this transaction alone until its end.

        Called first and once: whoever changes places of an event has its lock, all locks are taken at once in one
        order, and so nobody waits in a circle. Raises Overloaded when others have kept the lock for too long.
        """

    async def holds(self, keys: Collection[str]) -> Mapping[str, Hold]:
        """By key, those that exist. Raises Raced for one of an event that was not locked."""

    async def tickets(self, holds: Mapping[str, Hold]) -> Mapping[str, Sequence[Ticket]]:
        """The tickets of those of the holds that are sold, by key, in the order of their places."""

    async def stock(self, asked: Asked) -> Stock:
        """The places asked for, as they are under the lock. A seat that does not exist has no state."""

    async def write(self, changes: Changes) -> None:
        """Keep what was decided and publish the change of each event: one new version and one fact an event.

        Raises Raced when a new key is taken by now. A place that is not as it was believed to be is a fault.
        """

    async def add_events(self, layouts: Sequence[Layout]) -> None:
        """Load each with all its places free, unless it is there already: then it stays as it is."""

    async def cancel_events(self, event_ids: Collection[str]) -> None:
        """Nothing of those is sold any more, and nothing ever of one that is not known yet: facts may change places."""

    async def first_time(self, fact_ids: Collection[str]) -> set[str]:
        """Those facts that were not handled before (the inbox)."""


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Inventory]:
        """Committed at the end of the block, undone by an exception in it."""

    async def event(self, event_id: str) -> Event | None:
        """An event that was loaded; without waiting for anybody's lock."""

    async def version(self, event_id: str) -> int:
        """Of the event's places, as committed; 0 when there is no such event."""

    async def snapshot(self, event_id: str) -> Snapshot | None:
        """All its places at one moment, with the version of that moment."""

    async def due(self, limit: int) -> Sequence[str]:
        """Keys of holds whose time is over by the database's clock, the longest over first."""

    async def places(self) -> Places:
        """Of all events that are not cancelled, by state."""


class Books(Protocol):
    """The inventory looked at as a whole, and the receipts of what was repaired in it."""

    async def events(self, *, after: str, limit: int) -> Mapping[str, int]:
        """Event ids and the version of their places, in order, those after that id."""

    async def contradictions(self, event_id: str) -> Sequence[Violation]:
        """What of an event's places can not be true, all seen at one moment; at most 500. Waits for nobody's lock."""

    async def overdue(self, *, grace: timedelta, limit: int) -> Sequence[Violation]:
        """Holds whose time has been over for longer than that, the longest first."""

    async def void_tickets_of_released(self, event_id: str) -> int:
        """Void the valid tickets of holds that were given back, each hold with a receipt; how many tickets."""

    async def begin_repairs(self, found: Sequence[Violation]) -> Mapping[str, int]:
        """A receipt for each, by subject; one that was begun before and never ended is the same again."""

    async def end_repairs(self, receipts: Collection[int], *, done: str) -> None:
        """They are done. Idempotent."""

    async def repairs(self, limit: int) -> Sequence[Repair]:
        """The newest that are done."""

    async def by_prefix(self, prefixes: Collection[str]) -> Sequence[Standing]:
        """Those that have places and whose keys begin with one of these, in order."""

    async def in_range(self, *, after: str, until: str, limit: int) -> Sequence[Standing]:
        """Those that have places, with keys after `after` and up to `until`, in order."""


class Signer(Protocol):
    async def sign(self, tickets: Sequence[Sequence[Ticket]]) -> Sequence[Sequence[SignedTicket]]:
        """Each with its QR payload. The same ticket under the same key has the same payload."""

    async def jwks(self) -> str:
        """The public keys of all tickets ever signed, as a JSON Web Key Set."""
