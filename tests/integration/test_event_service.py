"""The event service as its callers meet it: real gRPC, PostgreSQL and broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from protos.gen import event_pb2 as pb
from protos.gen import event_pb2_grpc, money_pb2
from protos.gen import messages_pb2 as messages
from services.event.app import compose
from services.event.facts import timestamp
from services.event.settings import EventSettings
from services.kit.bus.facts import Fact
from services.kit.bus.kafka import KafkaConsumer, KafkaPublisher
from services.kit.ids import new_id
from tests.conftest import Stores
from tests.running import running

ORGANISER = new_id()


@pytest.fixture
async def settings(stores: Stores) -> AsyncIterator[EventSettings]:
    async with running(EventSettings, compose, stores) as settings:
        yield settings


@pytest.fixture
async def stub(settings: EventSettings) -> AsyncIterator[event_pb2_grpc.EventServiceAsyncStub]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{settings.grpc_port}") as channel:
        yield event_pb2_grpc.EventServiceStub(channel)


def venue(**changed: object) -> pb.Venue:
    fields = {"name": "Zenith", "address": "Street 1", "city": "München", "country": "DE", "timezone": "Europe/Berlin"}
    return pb.Venue(**(fields | changed))


def draft(**changed: object) -> pb.EventDraft:
    start = datetime.now(UTC) + timedelta(days=30)
    fields = {
        "title": "Nachtmusik",
        "venue": venue(),
        "sections": [
            pb.Section(
                section_id="A", name="A", kind=pb.SEATED, rows=[pb.Row(label="1", seat_count=9)], tier_id="full"
            ),
            pb.Section(section_id="B", name="B", kind=pb.STANDING, capacity=50, tier_id="full"),
        ],
        "tiers": [pb.PriceTier(tier_id="full", name="Full", price=money_pb2.Money(minor=4500, currency="EUR"))],
        "starts_at": timestamp(start),
        "ends_at": timestamp(start + timedelta(hours=3)),
    }
    return pb.EventDraft(**(fields | changed))


async def created(stub: event_pb2_grpc.EventServiceAsyncStub, **changed: object) -> pb.Event:
    reply = await stub.CreateEvent(pb.CreateEventRequest(organiser_id=ORGANISER, draft=draft(**changed)))
    return reply.event


async def refusal(call: Awaitable[object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value.code(), str(dict(refused.value.trailing_metadata())["reason"])


async def facts_about(settings: EventSettings, event_id: str, count: int) -> list[Fact]:
    """The first facts of topic `events` about it."""
    found: list[Fact] = []
    enough = asyncio.Event()

    async def keep(facts: Sequence[Fact]) -> None:
        found.extend(fact for fact in facts if fact.key == event_id)
        if len(found) >= count:
            enough.set()

    publisher = KafkaPublisher(settings, source="test")
    consumer = KafkaConsumer(settings, topics=["events"], group=f"test-{new_id()}", publisher=publisher)
    reading = asyncio.create_task(consumer.run(keep))
    try:
        async with asyncio.timeout(45):
            await enough.wait()
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        await publisher.close()
    return found


async def test_an_event_goes_from_draft_to_sale_to_its_end_and_the_broker_hears_of_it(
    stub: event_pb2_grpc.EventServiceAsyncStub, settings: EventSettings
) -> None:
    made = await created(stub)
    own = {"event_id": made.event_id, "organiser_id": ORGANISER}

    # At once: whoever comes second waits for the lock and finds it done.
    replies = await asyncio.gather(*(stub.PublishEvent(pb.PublishEventRequest(**own)) for _ in range(4)))
    published = [reply.event for reply in replies]
    cancelled = [(await stub.CancelEvent(pb.CancelEventRequest(**own, reason="ill"))).event for _ in range(2)]

    assert made.status == pb.DRAFT
    assert (made.capacity, made.max_per_booking) == (59, 10)
    assert published == [published[0]] * 4
    assert [one.status for one in cancelled] == [pb.CANCELLED, pb.CANCELLED]
    on_sale, ended = await facts_about(settings, made.event_id, 2)
    assert (on_sale.type, ended.type) == ("messages.EventPublished", "messages.EventCancelled")
    assert messages.EventPublished.FromString(on_sale.body).event == published[0]
    assert [one.capacity for one in published[0].sections] == [9, 50]
    assert messages.EventCancelled.FromString(ended.body).reason == "ill"


async def test_the_largest_layout_reaches_the_broker(
    stub: event_pb2_grpc.EventServiceAsyncStub, settings: EventSettings
) -> None:
    rows = [pb.Row(label=f"R{number:04}", seat_count=10) for number in range(500)]
    sections = [
        pb.Section(section_id=f"S{number}", name="字" * 100, kind=pb.SEATED, rows=rows, tier_id="full")
        for number in range(40)
    ]
    made = await created(stub, sections=sections, description="\U00020000" * 20_000)

    await stub.PublishEvent(pb.PublishEventRequest(event_id=made.event_id, organiser_id=ORGANISER))

    (fact,) = await facts_about(settings, made.event_id, 1)
    assert messages.EventPublished.FromString(fact.body).event.capacity == 200_000


async def test_what_can_not_go_on_sale_is_refused_with_a_stable_reason(
    stub: event_pb2_grpc.EventServiceAsyncStub,
) -> None:
    past = datetime.now(UTC) - timedelta(days=2)
    unpriced = [pb.Section(section_id="B", name="B", kind=pb.STANDING, capacity=50)]
    hopeless = {
        "event-without-seats": await created(stub, sections=[]),
        "section-without-price": await created(stub, sections=unpriced),
        "event-in-the-past": await created(
            stub, starts_at=timestamp(past), ends_at=timestamp(past + timedelta(hours=1))
        ),
    }

    for reason, made in hopeless.items():
        asked = pb.PublishEventRequest(event_id=made.event_id, organiser_id=ORGANISER)
        assert await refusal(stub.PublishEvent(asked)) == (grpc.StatusCode.FAILED_PRECONDITION, reason)


async def test_each_verb_is_refused_in_the_wrong_state(stub: event_pb2_grpc.EventServiceAsyncStub) -> None:
    made = await created(stub)
    own = {"event_id": made.event_id, "organiser_id": ORGANISER}
    conflict = grpc.StatusCode.FAILED_PRECONDITION

    early = await refusal(stub.CancelEvent(pb.CancelEventRequest(**own)))
    await stub.PublishEvent(pb.PublishEventRequest(**own))
    rewritten = await refusal(stub.UpdateEvent(pb.UpdateEventRequest(**own, draft=draft())))
    removed = await refusal(stub.DeleteEvent(pb.DeleteEventRequest(**own)))
    await stub.CancelEvent(pb.CancelEventRequest(**own))
    late = await refusal(stub.PublishEvent(pb.PublishEventRequest(**own)))

    assert early == (conflict, "event-not-published")
    assert rewritten == removed == (conflict, "event-not-draft")
    assert late == (conflict, "event-cancelled")


async def test_a_draft_is_rewritten_and_removed_by_its_organiser(stub: event_pb2_grpc.EventServiceAsyncStub) -> None:
    made = await created(stub)
    own = {"event_id": made.event_id, "organiser_id": ORGANISER}

    updated = (await stub.UpdateEvent(pb.UpdateEventRequest(**own, draft=draft(title="Other")))).event
    await stub.DeleteEvent(pb.DeleteEventRequest(**own))

    assert (updated.title, updated.venue, updated.created_at) == ("Other", made.venue, made.created_at)
    gone = await refusal(stub.GetEvent(pb.GetEventRequest(event_id=made.event_id, viewer_id=ORGANISER)))
    assert gone == (grpc.StatusCode.NOT_FOUND, "unknown-event")


async def test_strangers_do_not_learn_of_a_draft_or_a_venue(stub: event_pb2_grpc.EventServiceAsyncStub) -> None:
    made = await created(stub)
    venue_id = made.venue.venue_id

    seen = await stub.GetEvent(pb.GetEventRequest(event_id=made.event_id, viewer_id=ORGANISER))
    hidden = await refusal(stub.GetEvent(pb.GetEventRequest(event_id=made.event_id)))
    theirs = await refusal(stub.PublishEvent(pb.PublishEventRequest(event_id=made.event_id, organiser_id="else")))
    place = await refusal(stub.GetVenue(pb.GetVenueRequest(venue_id=venue_id, organiser_id="else")))

    assert seen.event == made
    assert hidden == theirs == (grpc.StatusCode.NOT_FOUND, "unknown-event")
    assert place == (grpc.StatusCode.NOT_FOUND, "unknown-venue")


async def test_venues_are_made_listed_and_lend_their_layout(stub: event_pb2_grpc.EventServiceAsyncStub) -> None:
    organiser_id = new_id()
    block = pb.Section(section_id="A", name="A", kind=pb.SEATED, rows=[pb.Row(label="1", seat_count=9)])
    reply = await stub.CreateVenue(pb.CreateVenueRequest(organiser_id=organiser_id, venue=venue(sections=[block])))
    stored = reply.venue

    rented = draft(venue_id=stored.venue_id, sections=[])
    rented.ClearField("venue")
    made = (await stub.CreateEvent(pb.CreateEventRequest(organiser_id=organiser_id, draft=rented))).event
    listed = await stub.ListVenues(pb.ListVenuesRequest(organiser_id=organiser_id))
    got = await stub.GetVenue(pb.GetVenueRequest(venue_id=stored.venue_id, organiser_id=organiser_id))

    assert list(made.sections) == list(stored.sections)
    assert [one.venue_id for one in listed.venues] == [stored.venue_id]
    assert got.venue == stored


async def test_visitors_find_events_page_by_page(stub: event_pb2_grpc.EventServiceAsyncStub) -> None:
    word = f"w{new_id().replace('-', '')}"
    ids = []
    for _ in range(3):
        made = await created(stub, title=f"Concert {word}")
        await stub.PublishEvent(pb.PublishEventRequest(event_id=made.event_id, organiser_id=ORGANISER))
        ids.append(made.event_id)

    asked = {"text": f"CONCERT {word[:-2]}", "city": "munchen", "page_size": 2}
    first = await stub.SearchEvents(pb.SearchEventsRequest(**asked))
    second = await stub.SearchEvents(pb.SearchEventsRequest(**asked, page_token=first.next_page_token))

    found = [*first.events, *second.events]
    assert [one.event_id for one in found] == ids
    assert second.next_page_token == ""
    assert [(len(one.sections), one.capacity) for one in found] == [(0, 59)] * 3


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": "a\x00b"}, "title"),
        ({"starts_at": None}, "starts_at"),
        ({"sections": [pb.Section(section_id="A", name="A", capacity=1)]}, "sections"),
        ({"tiers": [pb.PriceTier(tier_id="full", name="Full")]}, "currency"),
        ({"max_per_booking": 2**31 - 1}, "max_per_booking"),
    ],
)
async def test_a_draft_that_breaks_a_rule_is_refused_by_the_name_of_the_field(
    stub: event_pb2_grpc.EventServiceAsyncStub, changed: dict[str, object], field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await created(stub, **changed)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert str(refused.value.details()).startswith(f"{field}:")


async def test_hostile_input_is_never_a_fault(stub: event_pb2_grpc.EventServiceAsyncStub) -> None:
    far = draft()
    far.starts_at.seconds = 2**62
    invalid = grpc.StatusCode.INVALID_ARGUMENT

    codes = [
        (await refusal(call))[0]
        for call in (
            stub.CreateEvent(pb.CreateEventRequest(organiser_id=ORGANISER, draft=far)),
            stub.CreateEvent(pb.CreateEventRequest()),
            stub.CreateVenue(pb.CreateVenueRequest(organiser_id=ORGANISER)),
            stub.SearchEvents(pb.SearchEventsRequest(text="\x00")),
            stub.SearchEvents(pb.SearchEventsRequest(organiser_id="\x00")),
            stub.SearchEvents(pb.SearchEventsRequest(page_token="\x00")),
            stub.SearchEvents(pb.SearchEventsRequest(page_size=-1)),
            stub.ListVenues(pb.ListVenuesRequest(organiser_id=ORGANISER, page_token="WzFd")),
        )
    ]
    unknown = await refusal(stub.GetEvent(pb.GetEventRequest(event_id="\x00", viewer_id="\x00")))

    assert codes == [invalid] * 8
    assert unknown == (grpc.StatusCode.NOT_FOUND, "unknown-event")
