"""The ticket service as its callers meet it: real gRPC, PostgreSQL and broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import jwt
import msgspec
import pytest

from protos.gen import event_pb2, money_pb2, ticket_pb2_grpc
from protos.gen import messages_pb2 as messages
from protos.gen import ticket_pb2 as pb
from services.kit.bus.facts import Fact
from services.kit.bus.kafka import KafkaConsumer, KafkaPublisher
from services.kit.ids import new_id
from services.ticket.app import compose
from services.ticket.settings import TicketSettings
from tests.conftest import Stores
from tests.running import running
from tests.waiting import until

USER = new_id()


@pytest.fixture
async def settings(stores: Stores) -> AsyncIterator[TicketSettings]:
    async with running(TicketSettings, compose, stores, sweep_every_s=0.1) as settings:
        yield settings


@pytest.fixture
async def stub(settings: TicketSettings) -> AsyncIterator[ticket_pb2_grpc.TicketServiceAsyncStub]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{settings.grpc_port}") as channel:
        yield ticket_pb2_grpc.TicketServiceStub(channel)


@pytest.fixture
async def event_id(settings: TicketSettings, stub: ticket_pb2_grpc.TicketServiceAsyncStub) -> str:
    """An arena of 8,000 seats and a floor for 500, on sale."""
    event = arena()
    await publish(settings, messages.EventPublished(event=event))
    await until(lambda: answers(stub.GetPricing(pb.GetPricingRequest(event_id=event.event_id))))
    return event.event_id


def arena() -> event_pb2.Event:
    rows = [event_pb2.Row(label=f"{row}", seat_count=100) for row in range(1, 81)]
    price = money_pb2.Money(minor=4500, currency="EUR")
    return event_pb2.Event(
        event_id=new_id(),
        title="Arena",
        sections=[
            event_pb2.Section(section_id="A", name="Block A", kind=event_pb2.SEATED, rows=rows, tier_id="t"),
            event_pb2.Section(section_id="FLOOR", name="Floor", kind=event_pb2.STANDING, capacity=500, tier_id="t"),
        ],
        tiers=[event_pb2.PriceTier(tier_id="t", name="All", price=price)],
        max_per_booking=6,
    )


async def publish(settings: TicketSettings, body: messages.EventPublished | messages.EventCancelled) -> None:
    publisher = KafkaPublisher(settings, source="event")
    key = body.event.event_id if isinstance(body, messages.EventPublished) else body.event_id
    name, raw = body.DESCRIPTOR.full_name, body.SerializeToString()
    try:
        await publisher.publish(
            [Fact(id=new_id(), topic="events", key=key, type=name, body=raw, time=datetime.now(UTC))]
        )
    finally:
        await publisher.close()


async def answers(call: Any) -> bool:
    try:
        await call
    except grpc.aio.AioRpcError:
        return False
    return True


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value.code(), dict(refused.value.trailing_metadata())["reason"]


def wanted(event_id: str, *seat_ids: str, **quantities: int) -> pb.ReserveSeatsRequest:
    return pb.ReserveSeatsRequest(
        key=new_id(),
        event_id=event_id,
        user_id=USER,
        seat_ids=seat_ids,
        quantities=[pb.Quantity(section_id=name, quantity=count) for name, count in quantities.items()],
    )


async def test_what_is_published_is_on_sale_with_its_prices(
    stub: ticket_pb2_grpc.TicketServiceAsyncStub, event_id: str
) -> None:
    places = await stub.GetAvailability(pb.GetAvailabilityRequest(event_id=event_id))
    floor = await stub.GetAvailability(pb.GetAvailabilityRequest(event_id=event_id, section_id="FLOOR"))
    pricing = await stub.GetPricing(pb.GetPricingRequest(event_id=event_id))

    seated = places.sections[0]
    assert (seated.section_id, seated.kind, seated.capacity, seated.free) == ("A", event_pb2.SEATED, 8000, 8000)
    assert [(row.label, row.states) for row in seated.rows] == [(f"{row}", "f" * 100) for row in range(1, 81)]
    assert [section.section_id for section in floor.sections] == ["FLOOR"]
    assert pricing.tiers[0].price.minor == 4500
    assert {one.section_id: one.tier_id for one in pricing.sections} == {"A": "t", "FLOOR": "t"}


async def test_a_sale_from_the_hold_to_a_ticket_that_a_door_can_verify(
    stub: ticket_pb2_grpc.TicketServiceAsyncStub, event_id: str
) -> None:
    request = wanted(event_id, "A-1-1", FLOOR=1)

    hold = (await stub.ReserveSeats(request)).hold
    sale = pb.ConfirmSeatsRequest(key=request.key, booking_id=new_id(), user_id=USER)
    tickets = (await stub.ConfirmSeats(sale)).tickets
    again = (await stub.ConfirmSeats(sale)).tickets
    keys = msgspec.json.decode((await stub.GetTicketKeys(pb.GetTicketKeysRequest())).jwks_json)

    assert [place.label for place in hold.places] == ["Block A, row 1, seat 1", "Floor, standing"]
    assert hold.total == money_pb2.Money(minor=9000, currency="EUR")
    assert hold.HasField("expires_at")
    assert list(again) == list(tickets)
    by_kid = {key["kid"]: jwt.PyJWK(key).key for key in keys["keys"]}
    payload = tickets[0].qr_payload
    claims = jwt.decode(payload, by_kid[jwt.get_unverified_header(payload)["kid"]], algorithms=["EdDSA"])
    assert claims == {"tid": tickets[0].ticket_id, "eid": event_id, "sec": "A", "seat": "A-1-1"}


async def test_a_batch_says_to_each_what_became_of_it(
    stub: ticket_pb2_grpc.TicketServiceAsyncStub, event_id: str
) -> None:
    requests = [wanted(event_id, "A-2-1"), wanted(event_id, "A-2-1"), wanted(event_id, A=4), wanted(event_id)]

    held = (await stub.ReserveSeatsBatch(pb.ReserveSeatsBatchRequest(requests=requests))).outcomes
    sales = [pb.ConfirmSeatsRequest(key=one.key, booking_id=one.key, user_id=USER) for one in requests]
    sold = (await stub.ConfirmSeatsBatch(pb.ConfirmSeatsBatchRequest(requests=sales))).outcomes
    back = [pb.ReleaseSeatsRequest(key=one.key, event_id=event_id) for one in requests]
    released = (await stub.ReleaseSeatsBatch(pb.ReleaseSeatsBatchRequest(requests=back))).released

    assert [one.refused.reason for one in held] == ["", "seat-taken", "", "invalid-argument"]
    assert [one.refused.kind for one in held] == ["", "conflict", "", "invalid"]
    assert [place.seat_id for place in held[2].hold.places] == ["A-1-1", "A-1-2", "A-1-3", "A-1-4"]
    assert [one.refused.reason for one in sold] == ["", "unknown-hold", "", "unknown-hold"]
    assert list(released) == [1, 0, 4, 0]


async def test_unary_calls_at_once_are_worked_together_and_each_has_its_own_answer(
    stub: ticket_pb2_grpc.TicketServiceAsyncStub, event_id: str
) -> None:
    calls = [stub.ReserveSeats(wanted(event_id, "A-5-5")) for _ in range(20)]

    outcomes = await asyncio.gather(*(answers(call) for call in calls))

    assert sum(outcomes) == 1


async def test_refusals_have_their_status_and_reason(
    stub: ticket_pb2_grpc.TicketServiceAsyncStub, event_id: str
) -> None:
    status = grpc.StatusCode

    async def reserved(request: pb.ReserveSeatsRequest) -> tuple[grpc.StatusCode, str]:
        return await refusal(stub.ReserveSeats(request))

    assert await reserved(wanted(new_id(), "A-1-1")) == (status.NOT_FOUND, "unknown-event")
    assert await reserved(wanted(event_id, "B-1-1")) == (status.INVALID_ARGUMENT, "unknown-seat")
    assert await reserved(wanted(event_id, "A-1-1\x00")) == (status.INVALID_ARGUMENT, "unknown-seat")
    assert await reserved(wanted("\x00", "A-1-1")) == (status.INVALID_ARGUMENT, "invalid-argument")
    assert await reserved(wanted(event_id, A=-1)) == (status.INVALID_ARGUMENT, "invalid-argument")
    assert await reserved(wanted(event_id, A=7)) == (status.INVALID_ARGUMENT, "too-many-places")
    assert await reserved(wanted(event_id, FLOOR=2**31 - 1)) == (status.INVALID_ARGUMENT, "too-many-places")
    unknown = pb.ConfirmSeatsRequest(key=new_id(), booking_id=new_id(), user_id=USER)
    assert await refusal(stub.ConfirmSeats(unknown)) == (status.NOT_FOUND, "unknown-hold")
    nowhere = pb.GetAvailabilityRequest(event_id=event_id, section_id="\x00")
    assert await refusal(stub.GetAvailability(nowhere)) == (status.NOT_FOUND, "unknown-section")
    nothing = pb.GetAvailabilityRequest(event_id="\x00")
    assert await refusal(stub.GetAvailability(nothing)) == (status.INVALID_ARGUMENT, "invalid-argument")
    endless = pb.ExtendHoldRequest(key=new_id())
    assert await refusal(stub.ExtendHold(endless)) == (status.INVALID_ARGUMENT, "invalid-argument")
    endless.expires_at.seconds = 2**62
    assert await refusal(stub.ExtendHold(endless)) == (status.INVALID_ARGUMENT, "invalid-argument")
    many = [wanted(event_id, "A-1-1")] * 501
    too_many = stub.ReserveSeatsBatch(pb.ReserveSeatsBatchRequest(requests=many))
    assert await refusal(too_many) == (status.INVALID_ARGUMENT, "invalid-argument")


async def test_an_expired_hold_is_swept_and_its_seat_is_free_again(
    stub: ticket_pb2_grpc.TicketServiceAsyncStub, event_id: str
) -> None:
    request = wanted(event_id, "A-7-7")
    await stub.ReserveSeats(request)
    over = pb.ExtendHoldRequest(key=request.key)
    over.expires_at.FromDatetime(datetime.now(UTC) - timedelta(seconds=1))

    await stub.ExtendHold(over)

    await until(lambda: answers(stub.ReserveSeats(wanted(event_id, "A-7-7"))))


async def test_a_cancelled_event_is_sold_no_more(
    stub: ticket_pb2_grpc.TicketServiceAsyncStub, settings: TicketSettings, event_id: str
) -> None:
    await publish(settings, messages.EventCancelled(event_id=event_id))

    async def cancelled() -> bool:
        probe = await stub.ReserveSeatsBatch(pb.ReserveSeatsBatchRequest(requests=[wanted(event_id, FLOOR=1)]))
        return probe.outcomes[0].refused.reason == "event-cancelled"

    await until(cancelled)


async def test_every_change_is_told_on_topic_seats_with_versions_without_gaps(
    stub: ticket_pb2_grpc.TicketServiceAsyncStub, settings: TicketSettings, event_id: str
) -> None:
    heard: list[messages.SeatsChanged] = []

    async def listen(facts: Sequence[Fact]) -> None:
        changes = [messages.SeatsChanged.FromString(fact.body) for fact in facts]
        heard.extend(change for change in changes if change.event_id == event_id)

    publisher = KafkaPublisher(settings, source="test")
    consumer = KafkaConsumer(settings, topics=["seats"], group=new_id(), publisher=publisher)
    request = wanted(event_id, "A-3-1", FLOOR=2)

    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(consumer.run(listen))
        await stub.ReserveSeats(request)
        await stub.ConfirmSeats(pb.ConfirmSeatsRequest(key=request.key, booking_id=new_id(), user_id=USER))
        await stub.ReleaseSeats(pb.ReleaseSeatsRequest(key=request.key))
        await until(lambda: len(heard) == 3)
        listening.cancel()
    await publisher.close()

    assert [change.version for change in heard] == [2, 3, 4]
    assert [change.seats[0].state for change in heard] == ["h", "s", "f"]
    counts = [{one.section_id: (one.free, one.held, one.sold) for one in change.sections} for change in heard]
    assert [one["FLOOR"] for one in counts] == [(498, 2, 0), (498, 0, 2), (500, 0, 0)]
    assert [one["A"] for one in counts] == [(7999, 1, 0), (7999, 0, 1), (8000, 0, 0)]
