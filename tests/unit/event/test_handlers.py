"""What an organiser and a visitor can do, over a store in memory."""

from datetime import timedelta

import pytest

from services.event.domain.event import Event, EventCancelled, EventPublished, Status
from services.event.domain.refusals import EventNotDraft, EventWithoutSeats, UnknownEvent, UnknownVenue
from services.event.domain.search import Search
from services.event.handlers import EventHandlers
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.kit.paging import BadPageSize, BadPageToken, to_token
from tests.twins.event_store import MemoryEventStore
from tests.unit.event.drafts import NOW, ORGANISER, STALLS, draft, venue

STRANGER = "somebody-else"


@pytest.fixture
def store() -> MemoryEventStore:
    return MemoryEventStore()


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
def handlers(store: MemoryEventStore, woken: list[str]) -> EventHandlers:
    return EventHandlers(store, lambda: NOW, lambda: woken.append("woken"))


async def test_a_venue_written_inline_is_stored_for_the_organiser(handlers: EventHandlers) -> None:
    made = await handlers.create_event(ORGANISER, draft(sections=(), venue=venue(sections=(STALLS,))))

    stored = await handlers.venue(made.venue.venue_id, ORGANISER)
    assert stored.sections == made.sections
    assert stored.sections[0].capacity == 22


async def test_an_event_takes_place_in_a_stored_venue(handlers: EventHandlers) -> None:
    place = await handlers.create_venue(ORGANISER, venue(sections=(STALLS,)))

    made = await handlers.create_event(ORGANISER, draft(venue_id=place.venue_id, sections=()))

    assert made.venue == place.without_layout()
    assert made.sections == place.sections


async def test_the_venue_of_another_organiser_is_unknown(handlers: EventHandlers) -> None:
    place = await handlers.create_venue(STRANGER, venue())

    with pytest.raises(UnknownVenue):
        await handlers.venue(place.venue_id, ORGANISER)
    with pytest.raises(UnknownVenue):
        await handlers.create_event(ORGANISER, draft(venue_id=place.venue_id))


async def test_the_same_rewrite_sent_twice_leaves_one_venue(handlers: EventHandlers) -> None:
    made = await handlers.create_event(ORGANISER, draft())

    again = await handlers.update_event(made.event_id, ORGANISER, draft(title="Other"))

    assert (again.title, again.venue) == ("Other", made.venue)
    assert len((await handlers.venues(ORGANISER, size=0, token="")).items) == 1


async def test_publishing_twice_announces_and_wakes_the_relay_once(
    handlers: EventHandlers, store: MemoryEventStore, woken: list[str]
) -> None:
    made = await handlers.create_event(ORGANISER, draft())

    first = await handlers.publish_event(made.event_id, ORGANISER)
    second = await handlers.publish_event(made.event_id, ORGANISER)

    assert first == second
    assert store.state.announced == [EventPublished(first)]
    assert woken == ["woken"]


async def test_cancelling_twice_announces_once(handlers: EventHandlers, store: MemoryEventStore) -> None:
    made = await handlers.create_event(ORGANISER, draft())
    await handlers.publish_event(made.event_id, ORGANISER)

    for reason in ("rain", "snow"):
        cancelled = await handlers.cancel_event(made.event_id, ORGANISER, reason)

    assert cancelled.status is Status.CANCELLED
    assert store.state.announced[1:] == [EventCancelled(made.event_id, "rain", NOW)]


async def test_a_refused_publish_changes_and_announces_nothing(
    handlers: EventHandlers, store: MemoryEventStore, woken: list[str]
) -> None:
    made = await handlers.create_event(ORGANISER, draft(sections=()))

    with pytest.raises(EventWithoutSeats):
        await handlers.publish_event(made.event_id, ORGANISER)

    assert await handlers.event(made.event_id, ORGANISER) == made
    assert (store.state.announced, woken) == ([], [])


async def test_another_organisers_event_is_unknown_to_every_verb(handlers: EventHandlers) -> None:
    made = await handlers.create_event(ORGANISER, draft())

    for attempt in (
        handlers.update_event(made.event_id, STRANGER, draft()),
        handlers.publish_event(made.event_id, STRANGER),
        handlers.cancel_event(made.event_id, STRANGER, ""),
        handlers.delete_event(made.event_id, STRANGER),
        handlers.event(made.event_id, STRANGER),
        handlers.event(made.event_id, ""),
    ):
        with pytest.raises(UnknownEvent):
            await attempt


@pytest.mark.parametrize("event_id", ["", "test", "\x00", new_id().upper(), new_id()])
async def test_what_names_no_event_is_unknown(handlers: EventHandlers, event_id: str) -> None:
    with pytest.raises(UnknownEvent):
        await handlers.event(event_id, ORGANISER)


async def test_a_draft_is_removed_once_and_for_all(handlers: EventHandlers) -> None:
    made = await handlers.create_event(ORGANISER, draft())

    for _ in range(2):
        await handlers.delete_event(made.event_id, ORGANISER)

    with pytest.raises(UnknownEvent):
        await handlers.event(made.event_id, ORGANISER)


async def test_an_event_on_sale_is_neither_removed_nor_rewritten(handlers: EventHandlers) -> None:
    made = await handlers.create_event(ORGANISER, draft())
    await handlers.publish_event(made.event_id, ORGANISER)

    with pytest.raises(EventNotDraft):
        await handlers.delete_event(made.event_id, ORGANISER)
    with pytest.raises(EventNotDraft):
        await handlers.update_event(made.event_id, ORGANISER, draft())
    assert len((await handlers.venues(ORGANISER, size=0, token="")).items) == 1


async def test_pages_join_to_the_whole_list_without_gap_or_repeat(handlers: EventHandlers) -> None:
    made = [
        await handlers.create_event(ORGANISER, draft(ends_at=NOW + timedelta(days=90), starts_at=start))
        for start in [NOW + timedelta(days=day, microseconds=1) for day in (5, 3, 3, 4, 3)]
    ]

    seen: list[Event] = []
    token = ""
    while not seen or token:
        page = await handlers.search(Search(organiser_id=ORGANISER), size=2, token=token)
        seen += page.items
        token = page.next_token

    ordered = sorted(made, key=lambda one: (one.starts_at, one.event_id))
    assert [one.event_id for one in seen] == [one.event_id for one in ordered]


async def test_pages_of_venues_join_to_the_whole_list(handlers: EventHandlers) -> None:
    made = [await handlers.create_venue(ORGANISER, venue(sections=(STALLS,))) for _ in range(3)]

    first = await handlers.venues(ORGANISER, size=2, token="")
    second = await handlers.venues(ORGANISER, size=2, token=first.next_token)

    assert [*first.items, *second.items] == [one.without_layout() for one in made]
    assert second.next_token == ""


@pytest.mark.parametrize(
    "token",
    ["?", "AAAA", to_token(1), to_token(10**40, new_id()), to_token(-(10**18), new_id()), to_token(1, "\x00")],
)
async def test_a_forged_page_token_is_refused(handlers: EventHandlers, token: str) -> None:
    with pytest.raises(BadPageToken):
        await handlers.search(Search(), size=0, token=token)
    with pytest.raises(BadPageToken):
        await handlers.venues(ORGANISER, size=0, token=token)


@pytest.mark.parametrize("size", [-1, 101])
async def test_a_page_size_out_of_range_is_refused(handlers: EventHandlers, size: int) -> None:
    with pytest.raises(BadPageSize):
        await handlers.search(Search(), size=size, token="")


@pytest.mark.parametrize(
    "asked", [Search(text="x" * 201), Search(city="\x00"), Search(text="a\x00"), Search(organiser_id="a b")]
)
async def test_a_search_that_breaks_a_rule_is_refused(handlers: EventHandlers, asked: Search) -> None:
    with pytest.raises(Invalid):
        await handlers.search(asked, size=0, token="")


async def test_only_who_has_a_name_can_make_something(handlers: EventHandlers) -> None:
    with pytest.raises(Invalid, match=r"^organiser_id:"):
        await handlers.create_event("", draft())
    with pytest.raises(Invalid, match=r"^organiser_id:"):
        await handlers.create_venue("a\x00", venue())
