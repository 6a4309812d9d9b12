"""One method per RPC. Transactions begin here."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from services.event import metrics
from services.event.domain.event import MAX_REASON, Draft, Event, Outcome, drafted
from services.event.domain.refusals import UnknownEvent, UnknownVenue
from services.event.domain.rules import check_person, check_text
from services.event.domain.search import Position, Search
from services.event.domain.venue import Venue
from services.event.ports import Catalogue, Store
from services.kit.clock import Clock
from services.kit.ids import is_id, new_id
from services.kit.paging import BadPageToken, Page, from_token, page_size, to_token

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


class EventHandlers:
    def __init__(self, store: Store, now: Clock, wake_relay: Callable[[], None]) -> None:
        """`wake_relay` is called after a commit that announced something."""
        self._store, self._now, self._wake_relay = store, now, wake_relay

    async def create_venue(self, organiser_id: str, venue: Venue) -> Venue:
        check_person("organiser_id", organiser_id)
        added = venue.checked().belonging_to(organiser_id, new_id())
        async with self._store.transaction() as catalogue:
            await catalogue.add_venue(added)
        return added

    async def venue(self, venue_id: str, organiser_id: str) -> Venue:
        async with self._store.transaction() as catalogue:
            return await _venue_of(catalogue, venue_id, organiser_id)

    async def venues(self, organiser_id: str, *, size: int, token: str) -> Page[Venue]:
        check_person("organiser_id", organiser_id)
        limit, after_id = page_size(size), _venue_position(token)
        async with self._store.transaction() as catalogue:
            found = await catalogue.venues(organiser_id, after_id=after_id, limit=limit + 1)
        more = len(found) > limit
        return Page(found[:limit], to_token(found[limit - 1].venue_id) if more else "")

    async def create_event(self, organiser_id: str, draft: Draft) -> Event:
        check_person("organiser_id", organiser_id)
        checked, now = draft.checked(), self._now()
        async with self._store.transaction() as catalogue:
            venue = await _venue_for(catalogue, checked, organiser_id)
            event = drafted(checked, venue, event_id=new_id(), created_at=now, updated_at=now)
            await catalogue.save_event(event)
        metrics.EVENTS_DRAFTED.inc()
        return event

    async def update_event(self, event_id: str, organiser_id: str, draft: Draft) -> Event:
        checked = draft.checked()
        async with self._store.transaction() as catalogue:
            known = await _event_of(catalogue, event_id, organiser_id)
            venue = await _venue_for(catalogue, checked, organiser_id, known.venue.venue_id)
            event = known.redraft(checked, venue, at=self._now())
            await catalogue.save_event(event)
        return event

    async def event(self, event_id: str, viewer_id: str) -> Event:
        async with self._store.transaction() as catalogue:
            known = await _find_event(catalogue, event_id)
        if known is None or not known.visible_to(viewer_id):
            raise UnknownEvent
        return known

    async def delete_event(self, event_id: str, organiser_id: str) -> None:
        async with self._store.transaction() as catalogue:
            known = await _find_event(catalogue, event_id, lock=True)
            if known is None:
                return
            if known.organiser_id != organiser_id:
                raise UnknownEvent
            known.must_be_draft()
            await catalogue.remove_event(event_id)

    async def publish_event(self, event_id: str, organiser_id: str) -> Event:
        event, news = await self._change(event_id, organiser_id, lambda known: known.publish(at=self._now()))
        metrics.EVENTS_PUBLISHED.inc(len(news))
        return event

    async def cancel_event(self, event_id: str, organiser_id: str, reason: str) -> Event:
        check_text("reason", reason, at_most=MAX_REASON)
        event, news = await self._change(event_id, organiser_id, lambda known: known.cancel(reason, at=self._now()))
        metrics.EVENTS_CANCELLED.inc(len(news))
        return event

    async def search(self, asked: Search, *, size: int, token: str) -> Page[Event]:
        limit, after = page_size(size), _event_position(token)
        if asked.checked().finds_nothing:
            return Page((), "")
        async with self._store.transaction() as catalogue:
            found = await catalogue.search(asked, now=self._now(), after=after, limit=limit + 1)
        if len(found) <= limit:
            return Page(found, "")
        last = found[limit - 1]
        return Page(found[:limit], to_token((last.starts_at - EPOCH) // MICROSECOND, last.event_id))

    async def _change(self, event_id: str, organiser_id: str, verb: Callable[[Event], Outcome]) -> Outcome:
        """Let the event do it; its new state and what became true are one transaction."""
        async with self._store.transaction() as catalogue:
            event, news = verb(await _event_of(catalogue, event_id, organiser_id))
            if news:
                await catalogue.save_event(event)
                await catalogue.announce(news)
        if news:
            self._wake_relay()
        return event, news


async def _find_event(catalogue: Catalogue, event_id: str, *, lock: bool = False) -> Event | None:
    return await catalogue.find_event(event_id, lock=lock) if is_id(event_id) else None


async def _event_of(catalogue: Catalogue, event_id: str, organiser_id: str) -> Event:
    """The organiser's own event, to be changed."""
    known = await _find_event(catalogue, event_id, lock=True)
    if known is None or known.organiser_id != organiser_id:
        raise UnknownEvent
    return known


async def _venue_of(catalogue: Catalogue, venue_id: str, organiser_id: str) -> Venue:
    known = await catalogue.find_venue(venue_id) if is_id(venue_id) else None
    if known is None or known.organiser_id != organiser_id:
        raise UnknownVenue
    return known


async def _venue_for(catalogue: Catalogue, draft: Draft, organiser_id: str, present_id: str = "") -> Venue:
    """The stored venue that a draft names; one written inline is stored, unless it is the event's present one."""
    if draft.venue is None:
        return await _venue_of(catalogue, draft.venue_id, organiser_id)
    # The same draft sent again must not leave a second venue behind.
    present = draft.venue.belonging_to(organiser_id, present_id)
    if present_id and await catalogue.find_venue(present_id) == present:
        return present
    added = draft.venue.belonging_to(organiser_id, new_id())
    await catalogue.add_venue(added)
    return added


def _event_position(token: str) -> Position | None:
    if not token:
        return None
    since_epoch, event_id = from_token(token, tuple[int, str])
    try:
        starts_at = EPOCH + since_epoch * MICROSECOND
    except OverflowError as forged:
        raise BadPageToken from forged
    return Position(starts_at, _id_in_token(event_id))


def _venue_position(token: str) -> str:
    return _id_in_token(from_token(token, tuple[str])[0]) if token else ""


def _id_in_token(text: str) -> str:
    if not is_id(text):
        raise BadPageToken
    return text
