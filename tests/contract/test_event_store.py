"""What a store of events and venues promises, held to by the twin and by PostgreSQL alike."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from services.event.domain.event import Event, Status
from services.event.domain.layout import Row, Section, SectionKind
from services.event.domain.search import Position, Search
from services.event.ports import Store
from services.event.repository import PostgresStore
from services.kit.database.engine import open_engine, transaction
from services.kit.ids import new_id
from tests.conftest import Stores, database_settings
from tests.twins.event_store import MemoryEventStore
from tests.unit.event.drafts import FULL, NOW, STALLS, event, venue

DAY = timedelta(days=1)


@pytest.fixture
async def store(real_stores: Stores | None) -> AsyncIterator[Store]:
    if real_stores is None:
        yield MemoryEventStore()
        return
    engine = open_engine(database_settings("event", real_stores))
    async with transaction(engine) as tx:
        await tx.execute(text("TRUNCATE events, venues, outbox"))
    yield PostgresStore(engine)
    await engine.dispose()


async def keep(store: Store, *events: Event) -> None:
    async with store.transaction() as catalogue:
        for one in events:
            await catalogue.save_event(one)


async def find(store: Store, event_id: str) -> Event | None:
    async with store.transaction() as catalogue:
        return await catalogue.find_event(event_id, lock=True)


async def titles(
    store: Store, *, now: datetime = NOW, after: Position | None = None, limit: int = 50, **asked: object
) -> Sequence[str]:
    async with store.transaction() as catalogue:
        found = await catalogue.search(Search(**asked), now=now, after=after, limit=limit)
    return [one.title for one in found]


def on_sale(title: str = "Nachtmusik", **changed: object) -> Event:
    start = changed.setdefault("starts_at", NOW + 30 * DAY)
    assert isinstance(start, datetime)
    changed.setdefault("ends_at", start + timedelta(hours=3))
    return event(title=title, **changed).publish(at=NOW)[0]


async def test_an_event_comes_back_as_it_was_kept(store: Store) -> None:
    kept = on_sale(
        description="Zwei\nZeilen ☕ 'quoted' \\ & | ! :* <->", sale_starts_at=NOW + DAY + timedelta(microseconds=7)
    )

    await keep(store, kept)

    assert await find(store, kept.event_id) == kept


async def test_saving_again_replaces_it_also_for_a_search(store: Store) -> None:
    kept = on_sale("Hamlet")
    await keep(store, kept)

    await keep(store, replace(kept, title="Macbeth"))

    assert await titles(store, text="hamlet") == []
    assert await titles(store, text="macbeth") == ["Macbeth"]


async def test_removing_an_event_twice_is_removing_it_once(store: Store) -> None:
    kept = event()
    await keep(store, kept)

    for _ in range(2):
        async with store.transaction() as catalogue:
            await catalogue.remove_event(kept.event_id)

    assert await find(store, kept.event_id) is None


async def test_an_exception_undoes_the_transaction(store: Store) -> None:
    kept = event()

    async def keep_then_fail() -> None:
        async with store.transaction() as catalogue:
            await catalogue.save_event(kept)
            await catalogue.announce(kept.publish(at=NOW)[1])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await keep_then_fail()

    assert await find(store, kept.event_id) is None


async def test_a_venue_comes_back_as_it_was_kept_and_is_listed_without_its_layout(store: Store) -> None:
    kept = [venue(sections=(STALLS,)).checked().belonging_to("ada", new_id()) for _ in range(3)]
    foreign = venue().belonging_to("bob", new_id())
    async with store.transaction() as catalogue:
        for one in (*kept, foreign):
            await catalogue.add_venue(one)

    async with store.transaction() as catalogue:
        assert await catalogue.find_venue(kept[0].venue_id) == kept[0]
        assert await catalogue.find_venue(new_id()) is None
        first = await catalogue.venues("ada", after_id="", limit=2)
        rest = await catalogue.venues("ada", after_id=first[-1].venue_id, limit=2)
    assert [*first, *rest] == [one.without_layout() for one in kept]


async def test_the_public_finds_what_is_on_sale_and_not_over(store: Store) -> None:
    over, running, cancelled = (on_sale(name) for name in ("over", "running", "cancelled"))
    await keep(
        store,
        event(title="draft"),
        replace(over, starts_at=NOW - DAY, ends_at=NOW),
        replace(running, starts_at=NOW - DAY, ends_at=NOW + DAY),
        cancelled.cancel("", at=NOW)[0],
    )

    assert await titles(store) == ["running"]


async def test_an_organiser_finds_all_of_their_own_and_nothing_else(store: Store) -> None:
    mine = event(organiser_id="ada", title="draft")
    sold = replace(on_sale("sold"), organiser_id="ada", starts_at=NOW - DAY, ends_at=NOW)
    gone = replace(on_sale("gone"), organiser_id="ada", starts_at=NOW - 2 * DAY, status=Status.CANCELLED)
    await keep(store, mine, sold, gone, on_sale("another's"))

    assert await titles(store, organiser_id="ada") == ["gone", "sold", "draft"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("faust", True),
        ("FAUST", True),
        ("zwei faust", True),
        ("fau", True),
        ("faust munch", True),
        ("faust münch", True),
        ("residenztheater", True),
        ("pact devil", True),
        ("theatre-going", True),
        ("2030", True),
        ("ærø", True),
        ("fau zwei", False),
        ("aust", False),
        ("faust hamlet", False),
    ],
)
async def test_all_words_must_be_there_and_the_last_may_be_unfinished(store: Store, typed: str, found: bool) -> None:
    place = venue(name="Residenztheater", city="München")
    await keep(
        store, on_sale("Faust, Teil Zwei", description="A pact with the devil; 2030's theatre-going. Ærø!", venue=place)
    )

    assert await titles(store, text=typed) == (["Faust, Teil Zwei"] if found else [])


@pytest.mark.parametrize(
    "typed",
    ["'", "''", '"', "a'b", "\\", "\\'", "a & | !", "(", "a:*", "x' | 'nachtmusik", "<->", "!nope", "%", "☕", "日本"],
)
async def test_no_typed_text_is_a_syntax_error(store: Store, typed: str) -> None:
    await keep(store, on_sale())

    assert await titles(store, text=f"{typed} zzz") == []


async def test_a_city_is_found_whatever_its_case_and_not_by_a_part_of_it(store: Store) -> None:
    await keep(store, on_sale("here", venue=venue(city="München")), on_sale("there", venue=venue(city="Ulm")))

    assert await titles(store, city="MÜNCHEN") == ["here"]
    assert await titles(store, city=" münchen ") == ["here"]
    assert await titles(store, city="Mün") == []


async def test_the_time_filter_takes_its_beginning_and_leaves_its_end(store: Store) -> None:
    await keep(store, *(on_sale(f"day {day}", starts_at=NOW + day * DAY) for day in (1, 2, 3)))

    assert await titles(store, starts_from=NOW + DAY, starts_before=NOW + 3 * DAY) == ["day 1", "day 2"]
    assert await titles(store, starts_from=NOW + 4 * DAY, starts_before=NOW) == []


async def test_filters_are_joined(store: Store) -> None:
    ulm = venue(city="Ulm")
    await keep(store, on_sale("Faust"), on_sale("Faust in Ulm", venue=ulm), on_sale("Hamlet", venue=ulm))

    assert await titles(store, text="faust", city="ulm", starts_from=NOW) == ["Faust in Ulm"]


async def test_pages_follow_each_other_also_among_events_that_start_together(store: Store) -> None:
    kept = [on_sale(str(number), starts_at=NOW + (1 + number % 2) * DAY) for number in range(6)]
    await keep(store, *kept)
    ordered = sorted(kept, key=lambda one: (one.starts_at, one.event_id))

    for at in range(5):
        after = Position(ordered[at].starts_at, ordered[at].event_id)
        assert await titles(store, after=after, limit=2) == [one.title for one in ordered[at + 1 : at + 3]]


async def test_a_list_has_the_capacity_but_not_the_layout(store: Store) -> None:
    kept = on_sale()
    await keep(store, kept)

    async with store.transaction() as catalogue:
        found = await catalogue.search(Search(), now=NOW, after=None, limit=1)

    assert list(found) == [replace(kept, sections=(), tiers=())]
    assert found[0].capacity == 122


async def test_the_largest_event_can_be_kept_and_found(store: Store) -> None:
    rows = tuple(Row(f"R{number}", 10) for number in range(500))
    sections = tuple(
        Section(section_id=f"S{number}", name="Block", kind=SectionKind.SEATED, rows=rows, tier_id=FULL.tier_id)
        for number in range(40)
    )
    long = " ".join(f"{number:04}字" for number in range(20_000 // 6))
    kept = on_sale("Stadium", description=long, sections=sections)

    await keep(store, kept)

    assert await find(store, kept.event_id) == kept
    assert await titles(store, text="stadium 1234字") == ["Stadium"]


async def test_hostile_words_fit_into_the_index(store: Store) -> None:
    # As many distinct words as there can be, each a letter that folds to many.
    hostile = " ".join(chr(0x20000 + number) * 3 for number in range(5_000))
    longest = "\U00020000" * 20_000

    await keep(store, on_sale("many", description=hostile), on_sale("long", description=longest))

    assert sorted(await titles(store)) == ["long", "many"]


async def test_whoever_locks_an_event_is_alone_with_it(real_stores: Stores | None, store: Store) -> None:
    """The twin has one task at a time inside a test; only PostgreSQL has somebody to wait for."""
    if real_stores is None:
        return
    kept = event()
    await keep(store, kept)

    async with store.transaction() as catalogue:
        await catalogue.find_event(kept.event_id, lock=True)
        other = asyncio.create_task(find(store, kept.event_id))
        waiting, _ = await asyncio.wait([other], timeout=0.2)
        assert not waiting
        await catalogue.save_event(replace(kept, title="first"))

    assert (await other or kept).title == "first"
