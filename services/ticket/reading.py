"""What is asked of an event's places without changing them."""

from collections.abc import Sequence
from typing import Final

from services.kit.errors import Invalid
from services.kit.paging import Page, from_token, to_token
from services.ticket.domain.availability import Snapshot
from services.ticket.domain.event import Event
from services.ticket.domain.hold import check_word
from services.ticket.domain.refusals import UnknownEvent
from services.ticket.domain.watched import Standing
from services.ticket.ports import Books, Signer, Store
from services.ticket.snapshots import Snapshots

MOST_PREFIXES: Final = 500
PAGE: Final = 500
MOST_PAGE: Final = 1_000


class TicketReads:
    def __init__(self, store: Store, snapshots: Snapshots, signer: Signer, books: Books) -> None:
        self._store, self._snapshots, self._signer, self._books = store, snapshots, signer, books

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

    async def holds(self, prefixes: Sequence[str]) -> Page[Standing]:
        """Those that have places now and whose keys begin with one of these."""
        if len(prefixes) > MOST_PREFIXES:
            raise Invalid(f"key_prefixes: must be at most {MOST_PREFIXES}")
        for prefix in prefixes:
            check_word("key_prefixes", prefix)
        return Page(await self._books.by_prefix(prefixes), "")

    async def holds_between(self, after: str, until: str, *, size: int, token: str) -> Page[Standing]:
        """A page of those that have places now, by key."""
        if not 0 <= size <= MOST_PAGE:
            raise Invalid(f"page_size: must be 1 to {MOST_PAGE}, or 0 for {PAGE}")
        limit = size or PAGE
        if token:
            (after,) = from_token(token, tuple[str])
        found = await self._books.in_range(after=after, until=until, limit=limit)
        return Page(found, to_token(found[-1].key) if len(found) == limit else "")
