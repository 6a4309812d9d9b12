"""One booking is one trace, from the request to the mail and the socket, as a real OTLP collector gets it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import aiohttp
import pytest

from services.kit.ids import new_id
from tests.integration.observe.conftest import Watched
from tests.integration.platform.conftest import Buyer
from tests.otlp_collector import Span
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACE = f"00-{TRACE_ID}-b7ad6b7169203331-01"
# Each hop (service, span, kind) with the one it is a child of, however far above.
HOPS = [
    ("gateway", "POST /api/v1/bookings", "SERVER", None),
    ("gateway", "send booking-queue", "PRODUCER", "POST /api/v1/bookings"),
    ("booking-worker", "process booking-queue", "CONSUMER", "send booking-queue"),
    ("booking", "saga", "INTERNAL", "process booking-queue"),
    ("booking", "UPDATE bookings", "CLIENT", "saga"),
    ("booking", "ticket.TicketService/ReserveSeatsBatch", "CLIENT", "saga"),
    ("ticket", "ticket.TicketService/ReserveSeatsBatch", "SERVER", "ticket.TicketService/ReserveSeatsBatch"),
    ("ticket", "UPDATE sections", "CLIENT", "ticket.TicketService/ReserveSeatsBatch"),
    ("payment", "payment.PaymentService/CreatePaymentsBatch", "SERVER", "saga"),
    ("ticket", "ticket.TicketService/ConfirmSeatsBatch", "SERVER", "saga"),
    ("booking", "send bookings", "PRODUCER", "process booking-queue"),
    ("email-worker", "process bookings", "CONSUMER", "send bookings"),
    ("email-worker", "send mail", "CLIENT", "send bookings"),
    ("realtime", "realtime.RealtimeService/NotifyBookingResults", "SERVER", "send booking-queue"),
    ("realtime", "send socket", "PRODUCER", "send booking-queue"),
]


async def booked(watched: Watched, web: aiohttp.ClientSession) -> tuple[Buyer, str]:
    """A buyer with an open socket, who hears of the booking there."""
    gateway = watched.platform.url("gateway")
    email = f"traced-{new_id()}@example.com"
    who = {"email": email, "password": "a long password", "name": "Traced Tracy"}
    async with web.post(f"{gateway}/api/v1/auth/register", json=who) as response:
        token = (await response.json())["tokens"]["access_token"]
    buyer = Buyer(web, gateway, token, email)
    url = f"{watched.platform.url('realtime', scheme='ws')}/ws"
    async with web.ws_connect(url, protocols=["ticketing.v1", f"bearer.{token}"]) as socket:
        await socket.receive_json(timeout=10)
        order = {
            "event_id": watched.samples[-1].event_id,
            "payment_method": "pm_card_visa",
            "areas": [{"section_id": "FLOOR", "quantity": 1}],
        }
        status, placed = await buyer.post("/api/v1/bookings", order, traceparent=TRACE)
        assert status == 202, placed
        while (await socket.receive_json(timeout=20)).get("data", {}).get("status") != "confirmed":
            pass
    return buyer, str(placed["booking"]["id"])


async def test_a_booking_is_one_trace_hop_by_hop(watched: Watched, web: aiohttp.ClientSession) -> None:
    _, booking_id = await booked(watched, web)

    def missing() -> set[tuple[str, str]]:
        """Hops that the collector has not heard of yet."""
        return {(service, name) for service, name, _, _ in HOPS} - {
            (one.service, one.name) for one in watched.collector.trace(TRACE_ID)
        }

    with suppress(TimeoutError):
        await until(lambda: not missing())
    assert missing() == set(), [f"{one.service}: {one.name}" for one in watched.collector.trace(TRACE_ID)]
    spans = watched.collector.trace(TRACE_ID)

    for service, name, kind, ancestor in HOPS:
        found = [one for one in spans if (one.service, one.name, one.kind) == (service, name, kind)]
        assert found, f"{service}: {name} ({kind})"
        if ancestor is not None:
            assert any(ancestor in _above(one, spans) for one in found), f"{service}: {name} is not under {ancestor}"
    (saga,) = [one for one in spans if one.name == "saga"]
    assert saga.attributes["ticketing.booking.id"] == booking_id
    assert saga.attributes["ticketing.booking.status"] == "CONFIRMED"


async def test_spans_are_named_by_the_conventions(watched: Watched) -> None:
    spans = watched.collector.trace(TRACE_ID)

    def attributes(service: str, name: str) -> dict[str, object]:
        return next(one.attributes for one in spans if (one.service, one.name) == (service, name))

    http = attributes("gateway", "POST /api/v1/bookings")
    rpc = attributes("ticket", "ticket.TicketService/ReserveSeatsBatch")
    sql = attributes("booking", "UPDATE bookings")
    fact = attributes("email-worker", "process bookings")
    assert (http["http.request.method"], http["http.route"], http["http.response.status_code"]) == (
        "POST",
        "/api/v1/bookings",
        202,
    )
    assert (rpc["rpc.system.name"], rpc["rpc.response.status_code"]) == ("grpc", "OK")
    assert (sql["db.system.name"], sql["db.operation.name"]) == ("postgresql", "UPDATE")
    assert (fact["messaging.system"], fact["messaging.destination.name"]) == ("kafka", "bookings")
    assert fact["messaging.consumer.group.name"] == "email-worker"


async def test_bookings_that_shared_a_batch_link_to_one_another(watched: Watched) -> None:
    by_id = {one.span_id: one for one in watched.collector.spans}
    linked = [
        one for one in watched.collector.spans if one.service == "booking" and one.name == "reserve" and one.links
    ]

    assert linked, "a sale of 150 buyers reserves in batches"
    for one in linked[:50]:
        assert all(by_id[link].name == "reserve" and by_id[link].trace_id != one.trace_id for link in one.links)


async def test_no_trace_of_the_sale_fell_apart(watched: Watched) -> None:
    """A span's parent came to the collector too, unless it is somebody else's outside of the platform."""
    known = {one.span_id for one in watched.collector.spans}
    orphans = [
        f"{one.service}: {one.name}"
        for one in watched.collector.spans
        if one.parent_id and one.parent_id not in known and one.trace_id != TRACE_ID
    ]

    assert sorted(set(orphans)) == []


def _above(span: Span, spans: Sequence[Span]) -> set[str]:
    by_id, above = {one.span_id: one for one in spans}, set()
    while (parent := by_id.get(span.parent_id)) is not None:
        above.add(parent.name)
        span = parent
    return above
