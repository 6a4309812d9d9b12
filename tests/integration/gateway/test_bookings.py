"""Orders through the public API into the real queue."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast

from protos import queue
from protos.gen import booking_pb2 as booking
from services.kit.ids import is_id, new_id
from tests.integration.gateway.conftest import DRAFT, Gateway, running_gateway
from tests.twins.peers import Peers

type Entries = list[tuple[bytes, dict[bytes, bytes]]]
BOOKINGS = "/api/v1/bookings"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_an_order_joins_the_line_of_its_event(gateway: Gateway) -> None:
    event_id, token = await gateway.published(), gateway.buyer()
    order = {
        "event_id": event_id,
        "seats": ["A-1-12"],
        "areas": [{"section_id": "FLOOR", "quantity": 2}],
        "payment_method": "pm_card_visa",
    }

    placed = await gateway.ask("POST", BOOKINGS, token=token, json=order, headers={"traceparent": TRACE})

    booking_id = placed.body["booking"]["id"]
    assert (placed.status, placed.headers["Location"]) == (202, f"{BOOKINGS}/{booking_id}")
    assert is_id(booking_id)
    assert placed.body["booking"]["status"] == "queued"
    assert placed.body["booking"]["queue"] == {"number": 1, "now_serving": 0, "ahead": 0}
    [(_, entry)] = cast("Entries", await gateway.redis.xrange(queue.stream(event_id)))
    sent = booking.CreateBookingRequest.FromString(entry[queue.ORDER.encode()])
    assert entry[queue.NUMBER.encode()] == b"1"
    assert (sent.booking_id, sent.event_id, list(sent.seat_ids)) == (booking_id, event_id, ["A-1-12"])
    assert [(area.section_id, area.quantity) for area in sent.quantities] == [("FLOOR", 2)]
    assert sent.payment_method == "pm_card_visa"
    assert sent.traceparent.split("-")[1] == TRACE.split("-")[1]
    assert await gateway.redis.sismember(queue.EVENTS, event_id)
    assert 0 < await gateway.redis.ttl(queue.record(booking_id)) <= 24 * 3600


async def test_a_crowd_gets_numbers_without_gaps(gateway: Gateway) -> None:
    event_id = await gateway.published()
    order = {"event_id": event_id, "seats": ["A-1-1"]}

    placed = await asyncio.gather(
        *(gateway.ask("POST", BOOKINGS, token=gateway.buyer(), json=order) for _ in range(200))
    )

    assert sorted(reply.body["booking"]["queue"]["number"] for reply in placed) == list(range(1, 201))
    assert await gateway.redis.xlen(queue.stream(event_id)) == 200


async def test_the_same_key_and_body_is_the_same_booking(gateway: Gateway) -> None:
    event_id, token = await gateway.published(), gateway.buyer()
    order = {"event_id": event_id, "seats": ["A-1-1", "A-1-2"]}
    key = {"Idempotency-Key": "k-1"}

    replies = await asyncio.gather(
        *(gateway.ask("POST", BOOKINGS, token=token, json=order, headers=key) for _ in range(20))
    )

    assert {reply.status for reply in replies} == {202}
    assert len({reply.body["booking"]["id"] for reply in replies}) == 1
    assert len({reply.body["booking"]["created_at"] for reply in replies}) == 1
    assert await gateway.redis.xlen(queue.stream(event_id)) == 1


async def test_the_same_key_with_another_body_is_refused(gateway: Gateway) -> None:
    event_id, token = await gateway.published(), gateway.buyer()
    key = {"Idempotency-Key": "k-1"}
    await gateway.ask("POST", BOOKINGS, token=token, json={"event_id": event_id, "seats": ["A-1-1"]}, headers=key)

    reused = await gateway.ask(
        "POST", BOOKINGS, token=token, json={"event_id": event_id, "seats": ["A-1-2"]}, headers=key
    )

    assert (reused.status, reused.body["reason"]) == (422, "idempotency-key-reused")
    assert await gateway.redis.xlen(queue.stream(event_id)) == 1


async def test_a_key_belongs_to_its_user(gateway: Gateway) -> None:
    order = {"event_id": await gateway.published(), "seats": ["A-1-1"]}
    key = {"Idempotency-Key": "k-1"}

    ids = {
        (await gateway.ask("POST", BOOKINGS, token=gateway.buyer(), json=order, headers=key)).body["booking"]["id"]
        for _ in range(2)
    }

    assert len(ids) == 2


async def test_a_repeated_order_is_answered_even_when_the_event_has_been_cancelled(gateway: Gateway) -> None:
    organiser, token = gateway.organiser(), gateway.buyer()
    event_id = (await gateway.ask("POST", "/api/v1/events", token=organiser, json=DRAFT)).body["id"]
    await gateway.ask("POST", f"/api/v1/events/{event_id}/publish", token=organiser)
    order, key = {"event_id": event_id, "seats": ["A-1-1"]}, {"Idempotency-Key": "k-1"}
    first = await gateway.ask("POST", BOOKINGS, token=token, json=order, headers=key)
    await gateway.ask("POST", f"/api/v1/events/{event_id}/cancel", token=organiser)

    again = await gateway.ask("POST", BOOKINGS, token=token, json=order, headers=key)
    other = await gateway.ask("POST", BOOKINGS, token=token, json=order)

    assert (again.status, again.body["booking"]["id"]) == (202, first.body["booking"]["id"])
    assert (other.status, other.body["reason"]) == (409, "event-cancelled")


async def test_what_could_never_be_served_is_refused_at_the_door(gateway: Gateway) -> None:
    event_id, token = await gateway.published(), gateway.buyer()
    cases = [
        ({"event_id": new_id(), "seats": ["A-1-1"]}, 404, "unknown-event"),
        ({"event_id": "nonsense", "seats": ["A-1-1"]}, 404, "unknown-event"),
        ({"event_id": event_id, "seats": ["A-1-21"]}, 422, "unknown-seat"),
        ({"event_id": event_id, "seats": ["B-1-1"]}, 422, "unknown-seat"),
        ({"event_id": event_id, "seats": ["A-1-01"]}, 422, "unknown-seat"),
        ({"event_id": event_id, "areas": [{"section_id": "NO", "quantity": 1}]}, 422, "unknown-section"),
        ({"event_id": event_id, "areas": [{"section_id": "FLOOR", "quantity": 11}]}, 422, "too-many-places"),
        ({"event_id": event_id, "areas": [{"section_id": "FLOOR", "quantity": -1}]}, 422, "invalid-argument"),
        ({"event_id": event_id, "areas": [{"section_id": "FLOOR", "quantity": 10**30}]}, 422, "invalid-argument"),
        ({"event_id": event_id, "seats": ["A-1-1", "A-1-1"]}, 422, "invalid-argument"),
        ({"event_id": event_id, "seats": ["A-1-\u0000"]}, 422, "invalid-argument"),
        ({"event_id": event_id}, 422, "invalid-argument"),
        ({"event_id": event_id, "seats": ["A-1-1"], "price": 1}, 422, "invalid-argument"),
    ]

    for order, status, reason in cases:
        refused = await gateway.ask("POST", BOOKINGS, token=token, json=order)
        assert (refused.status, refused.body["reason"]) == (status, reason), order

    assert await gateway.redis.xlen(queue.stream(event_id)) == 0


async def test_before_the_sale_opens_the_answer_says_when(gateway: Gateway) -> None:
    opens = datetime.now(UTC) + timedelta(hours=1)
    event_id = await gateway.published(sale_starts_at=opens.isoformat())

    early = await gateway.ask("POST", BOOKINGS, token=gateway.buyer(), json={"event_id": event_id, "seats": ["A-1-1"]})

    assert (early.status, early.body["reason"]) == (409, "sale-not-open")
    assert 3500 < int(early.headers["Retry-After"]) <= 3600


async def test_a_full_queue_says_come_back(valkey, peers: Peers) -> None:
    async with running_gateway(valkey, peers, queue_limit=1) as gateway:
        order = {"event_id": await gateway.published(), "seats": ["A-1-1"]}
        await gateway.ask("POST", BOOKINGS, token=gateway.buyer(), json=order)

        full = await gateway.ask("POST", BOOKINGS, token=gateway.buyer(), json=order)

    assert (full.status, full.body["reason"], full.headers["Retry-After"]) == (503, "queue-full", "5")


async def test_a_waiting_booking_is_found_by_its_owner_only(gateway: Gateway) -> None:
    token, event_id = gateway.buyer(), await gateway.published()
    order = {"event_id": event_id, "seats": ["A-1-1"]}
    await gateway.ask("POST", BOOKINGS, token=gateway.buyer(), json=order)
    path = (await gateway.ask("POST", BOOKINGS, token=token, json=order)).headers["Location"]

    mine = await gateway.ask("GET", path, token=token)
    anothers = await gateway.ask("GET", path, token=gateway.buyer())

    assert (mine.status, mine.body["status"]) == (200, "queued")
    assert mine.body["queue"] == {"number": 2, "now_serving": 0, "ahead": 1}
    assert (anothers.status, anothers.body["reason"]) == (404, "unknown-booking")


async def test_a_decided_booking_is_told_whole(gateway: Gateway) -> None:
    user_id, booking_id, event_id = new_id(), new_id(), new_id()
    gateway.peers.booking.confirm(booking_id, user_id, event_id)
    token = gateway.peers.issuer.token(user_id)

    found = await gateway.ask("GET", f"{BOOKINGS}/{booking_id}", token=token)
    listed = await gateway.ask("GET", BOOKINGS, token=token)

    assert found.body["status"] == "confirmed"
    assert found.body["total"] == {"amount": 9900, "currency": "EUR"}
    assert found.body["tickets"][0]["qr_payload"] == "a.b.c"
    assert found.body["queue"] is None
    assert listed.body == {"items": [found.body], "next_cursor": None}


async def test_bookings_page_by_cursor(gateway: Gateway) -> None:
    user_id = new_id()
    ids = [new_id() for _ in range(3)]
    for booking_id in ids:
        gateway.peers.booking.confirm(booking_id, user_id, new_id())
    token = gateway.peers.issuer.token(user_id)

    first = (await gateway.ask("GET", f"{BOOKINGS}?limit=2", token=token)).body
    last = (await gateway.ask("GET", f"{BOOKINGS}?limit=2&cursor={first['next_cursor']}", token=token)).body

    assert [row["id"] for row in first["items"] + last["items"]] == ids[::-1]
    assert last["next_cursor"] is None


async def test_who_cancels_while_waiting_is_not_served(gateway: Gateway) -> None:
    token, event_id = gateway.buyer(), await gateway.published()
    order = {"event_id": event_id, "seats": ["A-1-1"]}
    path = (await gateway.ask("POST", BOOKINGS, token=token, json=order)).headers["Location"]
    booking_id = path.rpartition("/")[2]

    stranger = await gateway.ask("POST", f"{path}/cancel", token=gateway.buyer())
    cancelling = await gateway.ask("POST", f"{path}/cancel", token=token)
    await gateway.redis.set(queue.served(event_id), 1)
    cancelled = await gateway.ask("GET", path, token=token)

    assert stranger.status == 404
    assert (cancelling.status, cancelling.body["status"]) == (200, "cancelling")
    assert await gateway.redis.hget(queue.record(booking_id), queue.RECORD_CANCELLED) == b"1"
    assert cancelled.body["status"] == "cancelled"


async def test_whose_turn_has_come_cancels_at_the_desk(gateway: Gateway) -> None:
    user_id, event_id = new_id(), await gateway.published()
    token = gateway.peers.issuer.token(user_id)
    placed = await gateway.ask("POST", BOOKINGS, token=token, json={"event_id": event_id, "seats": ["A-1-1"]})
    booking_id = placed.body["booking"]["id"]
    await gateway.redis.set(queue.served(event_id), 1)
    gateway.peers.booking.confirm(booking_id, user_id, event_id)

    cancelled = await gateway.ask("POST", f"{BOOKINGS}/{booking_id}/cancel", token=token)

    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")
    assert await gateway.redis.hget(queue.record(booking_id), queue.RECORD_CANCELLED) is None


async def test_a_booking_that_waits_for_its_payment_is_paid_with_another_card(gateway: Gateway) -> None:
    user_id, event_id, booking_id = new_id(), new_id(), new_id()
    token = gateway.peers.issuer.token(user_id)
    path = f"{BOOKINGS}/{booking_id}/payment"
    gateway.peers.booking.confirm(booking_id, user_id, event_id)
    gateway.peers.booking.bookings[booking_id].status = booking.AWAITING_PAYMENT

    card = await gateway.ask("POST", path, token=token, json={"payment_method": "4242 4242 4242 4242"})
    stranger = await gateway.ask("POST", path, token=gateway.buyer(), json={"payment_method": "pm_card_visa"})
    paid = await gateway.ask("POST", path, token=token, json={"payment_method": "pm_card_visa"})

    assert (card.status, card.body["reason"]) == (422, "invalid-argument")
    assert (stranger.status, stranger.body["reason"]) == (404, "unknown-booking")
    assert (paid.status, paid.body["status"]) == (200, "confirmed")


async def test_what_does_not_wait_for_a_payment_is_not_paid(gateway: Gateway) -> None:
    user_id, event_id = new_id(), await gateway.published()
    token = gateway.peers.issuer.token(user_id)
    placed = await gateway.ask("POST", BOOKINGS, token=token, json={"event_id": event_id, "seats": ["A-1-1"]})
    rejected = new_id()
    gateway.peers.booking.confirm(rejected, user_id, event_id)
    gateway.peers.booking.bookings[rejected].status = booking.REJECTED

    for booking_id in (placed.body["booking"]["id"], rejected):
        answer = await gateway.ask(
            "POST", f"{BOOKINGS}/{booking_id}/payment", token=token, json={"payment_method": "pm_card_visa"}
        )
        assert (answer.status, answer.body["reason"]) == (409, "booking-not-payable")


async def test_an_order_the_desk_would_not_take_is_rejected(gateway: Gateway) -> None:
    token, event_id = gateway.buyer(), await gateway.published()
    placed = await gateway.ask("POST", BOOKINGS, token=token, json={"event_id": event_id, "seats": ["A-1-1"]})
    await gateway.redis.set(queue.served(event_id), 1)

    found = await gateway.ask("GET", placed.headers["Location"], token=token)

    assert (found.body["status"], found.body["reason"]) == ("rejected", "order-refused")


async def test_redis_that_forgot_the_script_is_taught_again(gateway: Gateway) -> None:
    event_id = await gateway.published()
    order = {"event_id": event_id, "seats": ["A-1-1"]}
    await gateway.ask("POST", BOOKINGS, token=gateway.buyer(), json=order)
    await gateway.redis.script_flush()

    placed = await gateway.ask("POST", BOOKINGS, token=gateway.buyer(), json=order)

    assert (placed.status, placed.body["booking"]["queue"]["number"]) == (202, 2)


async def test_a_timeline_is_told_to_its_owner_and_to_support_and_to_nobody_else(gateway: Gateway) -> None:
    user_id, booking_id = new_id(), new_id()
    gateway.peers.booking.confirm(booking_id, user_id, new_id())
    path, tokens = f"{BOOKINGS}/{booking_id}/timeline", gateway.peers.issuer

    mine = await gateway.ask("GET", path, token=tokens.token(user_id))
    support = await gateway.ask("GET", path, token=tokens.token(new_id(), "buyer", "admin"))
    anothers = await gateway.ask("GET", path, token=tokens.token(new_id(), "buyer", "organiser"))
    nobodys = await gateway.ask("GET", path)

    assert [entry["code"] for entry in mine.body["entries"]] == ["queued", "confirmed"]
    assert (mine.body["status"], mine.body["trace_id"]) == ("confirmed", "a" * 32)
    assert mine.body["entries"][0]["number"] == 3
    assert support.body == mine.body
    assert (anothers.status, anothers.body["reason"]) == (404, "unknown-booking")
    assert nobodys.status == 401


async def test_the_timeline_of_an_order_in_line_says_where_it_stands(gateway: Gateway) -> None:
    token, order = gateway.buyer(), {"event_id": await gateway.published(), "seats": ["A-1-1"]}
    placed = await gateway.ask("POST", BOOKINGS, token=token, json=order)

    told = await gateway.ask("GET", f"{placed.headers['Location']}/timeline", token=token)

    assert [(entry["code"], entry["number"]) for entry in told.body["entries"]] == [("queued", 1), ("waiting", 1)]
    assert told.body["entries"][1]["ahead"] == 0


async def test_attendees_are_their_organisers_alone_and_come_in_pages(gateway: Gateway) -> None:
    organiser, buyer_id = gateway.organiser(), new_id()
    made = await gateway.ask("POST", "/api/v1/events", token=organiser, json=DRAFT)
    event_id = made.body["id"]
    await gateway.ask("POST", f"/api/v1/events/{event_id}/publish", token=organiser)
    await gateway.ask("GET", "/api/v1/users/me", token=gateway.peers.issuer.token(buyer_id))
    sold = sorted(new_id() for _ in range(3))
    for booking_id, who in zip(sold, (buyer_id, buyer_id, new_id()), strict=True):
        gateway.peers.booking.confirm(booking_id, who, event_id)
    gateway.peers.booking.confirm(new_id(), buyer_id, await gateway.published())
    path = f"/api/v1/events/{event_id}/attendees"

    first = await gateway.ask("GET", f"{path}?limit=2", token=organiser)
    rest = await gateway.ask("GET", f"{path}?cursor={first.body['next_cursor']}", token=organiser)
    refused = [
        await gateway.ask("GET", path, token=gateway.organiser()),
        await gateway.ask("GET", path, token=gateway.buyer()),
        await gateway.ask("GET", f"/api/v1/events/{new_id()}/attendees", token=organiser),
        await gateway.ask("GET", "/api/v1/events/nonsense/attendees", token=organiser),
        await gateway.ask("GET", path),
    ]

    listed = [*first.body["items"], *rest.body["items"]]
    assert [one["booking_id"] for one in listed] == sold
    assert [one["name"] for one in listed] == ["Twin", "Twin", ""]
    assert listed[0]["tickets"][0]["place"]["label"] == "Section A, row 1, seat 1"
    assert rest.body["next_cursor"] is None
    assert "qr_payload" not in str(listed)
    assert [(one.status, one.body["reason"]) for one in refused] == [
        *[(404, "unknown-event")] * 4,
        (401, "missing-token"),
    ]
