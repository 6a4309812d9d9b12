"""What is asked of an event's places without changing them."""

from services.ticket.domain.availability import Snapshot
from services.ticket.domain.event import Event
from services.ticket.domain.hold import check_word
from services.ticket.domain.refusals import UnknownEvent
from services.ticket.ports import Signer, Store
from services.ticket.snapshots import Snapshots


class TicketReads:
    def __init__(self, store: Store, snapshots: Snapshots, signer: Signer) -> None:
        self._store, self._snapshots, self._signer = store, snapshots, signer

    async def availability(self, event_id: str, section_id: str) -> Snapshot:
        """At most half a second old, or a little more in a large hall."""
        return await self._snapshots.get(event_id, section_id)

    async def pricing(self, event_id: str) -> Event:
        check_word("event_id", event_id)
        if event := await self._store.event(event_id):
            return event
        raise UnknownEvent

    async def jwks(self) -> str:
        return await self._signer.jwks()
