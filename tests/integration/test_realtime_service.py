"""Realtime as browsers and peers meet it: real WebSockets, gRPC, Redis and broker."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf import message as protobuf

from protos import queue
from protos.gen import booking_pb2, money_pb2, payment_pb2, realtime_pb2_grpc
from protos.gen import messages_pb2 as messages
from protos.gen import realtime_pb2 as pb
from services.kit.bus.facts import Fact
from services.kit.bus.kafka import KafkaPublisher
from services.kit.ids import new_id
from services.kit.redis import open_redis
from services.kit.tokens import ALGORITHM, AUDIENCE, ISSUER
from services.local.stores import Valkey
from services.realtime.app import compose
from services.realtime.settings import RealtimeSettings
from tests.conftest import Stores
from tests.ports import free_port
from tests.running import running

KEY = Ed25519PrivateKey.generate()
JWKS = json.dumps({"keys": [json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key())) | {"kid": "k1"}]})


def token(user_id: str, *, lives_s: float = 300, key: Ed25519PrivateKey = KEY) -> str:
    claims = {"sub": user_id, "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + lives_s, "roles": ["buyer"]}
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": "k1"})


async def publish_keys(settings: RealtimeSettings) -> None:
    redis = open_redis(settings, name="test")
    await redis.set(queue.JWKS, JWKS)
    await redis.aclose()


type Message = dict[str, Any]


class Browser:
    """A page with one socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> Message:
        message: Message = await self.socket.receive_json(timeout=10)
        return message

    async def next_of(self, kind: str) -> Message:
        while (message := await self.next())["type"] != kind:
            pass
        return message

    async def say(self, **message: object) -> None:
        await self.socket.send_json(message)

    async def in_step(self) -> list[Message]:
        """What came until now: a ping is answered after it."""
        await self.say(type="ping")
        heard = []
        while (message := await self.next())["type"] != "pong":
            heard.append(message)
        return heard

    async def close_code(self) -> int | None:
        async with asyncio.timeout(45):
            async for _ in self.socket:
                pass
        return self.socket.close_code


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def settings(stores: Stores) -> AsyncIterator[RealtimeSettings]:
    async with running(RealtimeSettings, compose, stores, instance_id="one") as settings:
        await publish_keys(settings)
        yield settings


@pytest.fixture
async def stub(settings: RealtimeSettings) -> AsyncIterator[realtime_pb2_grpc.RealtimeServiceAsyncStub]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{settings.grpc_port}") as channel:
        yield realtime_pb2_grpc.RealtimeServiceStub(channel)


type Connect = Callable[..., Coroutine[None, None, Browser]]


@pytest.fixture
async def connect(http: aiohttp.ClientSession, settings: RealtimeSettings) -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def opened(
            user_id: str, *, cursor: str = "", bearer: str = "", at: RealtimeSettings = settings
        ) -> Browser:
            url = f"http://127.0.0.1:{at.http_port}/ws" + (f"?cursor={cursor}" if cursor else "")
            offered = ("ticketing.v1", f"bearer.{bearer or token(user_id)}")
            return Browser(await stack.enter_async_context(http.ws_connect(url, protocols=offered)))

        yield opened


def result(user_id: str, *, booking_id: str = "", status: str = "CONFIRMED") -> pb.NotifyBookingResultRequest:
    booking = booking_pb2.Booking(
        booking_id=booking_id or new_id(),
        user_id=user_id,
        event_id=new_id(),
        status=booking_pb2.BookingStatus.Value(status),
        total=money_pb2.Money(minor=1250, currency="EUR"),
    )
    return pb.NotifyBookingResultRequest(user_id=user_id, booking=booking)


async def test_a_buyer_hears_the_result_once(
    connect: Connect, stub: realtime_pb2_grpc.RealtimeServiceAsyncStub
) -> None:
    user_id, booking_id = new_id(), new_id()
    browser = await connect(user_id)
    ready = await browser.next()

    first = await stub.NotifyBookingResult(result(user_id, booking_id=booking_id))
    second = await stub.NotifyBookingResult(result(user_id, booking_id=booking_id))

    told = await browser.next()
    assert browser.socket.protocol == "ticketing.v1"
    assert ready["type"] == "ready"
    assert ready["data"]["user_id"] == user_id
    assert (first.sent, second.sent) == (True, False)
    assert (told["type"], told["data"]["status"]) == ("booking", "confirmed")
    assert told["data"]["total"] == {"amount": 1250, "currency": "EUR"}
    assert await browser.in_step() == []


async def test_many_results_travel_in_one_call(
    connect: Connect, stub: realtime_pb2_grpc.RealtimeServiceAsyncStub
) -> None:
    users = [new_id() for _ in range(3)]
    browsers = [await connect(user_id) for user_id in users]
    for browser in browsers:
        await browser.next()

    reply = await stub.NotifyBookingResults(pb.NotifyBookingResultsRequest(results=map(result, users)))

    assert reply.sent == 3
    assert [(await browser.next())["type"] for browser in browsers] == ["booking"] * 3


async def test_a_socket_that_comes_back_gets_what_it_missed_in_order_and_once(
    connect: Connect, stub: realtime_pb2_grpc.RealtimeServiceAsyncStub
) -> None:
    user_id = new_id()
    away = await connect(user_id)
    cursor = (await away.next())["data"]["cursor"]
    await away.socket.close()
    ids = [new_id() for _ in range(20)]
    for booking_id in ids[:10]:
        await stub.NotifyBookingResult(result(user_id, booking_id=booking_id))

    sending = asyncio.create_task(_send_all(stub, user_id, ids[10:]))
    back = await connect(user_id, cursor=cursor)
    assert (await back.next())["type"] == "ready"
    await sending

    heard = [await back.next() for _ in ids]
    assert [message["data"]["id"] for message in heard] == ids
    assert await back.in_step() == []


async def _send_all(stub: realtime_pb2_grpc.RealtimeServiceAsyncStub, user_id: str, ids: list[str]) -> None:
    for booking_id in ids:
        await stub.NotifyBookingResult(result(user_id, booking_id=booking_id))


async def test_a_user_is_found_on_whichever_instance_holds_the_socket(
    connect: Connect, stores: Stores, stub: realtime_pb2_grpc.RealtimeServiceAsyncStub
) -> None:
    user_id = new_id()
    async with running(RealtimeSettings, compose, stores, instance_id="two") as other:
        elsewhere = await connect(user_id, at=other)
        await elsewhere.next()

        await stub.NotifyPaymentStatus(
            pb.NotifyPaymentStatusRequest(
                user_id=user_id, payment=payment_pb2.Payment(payment_id=new_id(), status=payment_pb2.SUCCEEDED)
            )
        )

        told = await elsewhere.next()
        stats = await stub.GetConnectionStats(pb.GetConnectionStatsRequest())
        assert (told["type"], told["data"]["status"]) == ("payment", "succeeded")
        assert stats.instance_id == "one"
        assert stats.instances >= 2


async def test_a_token_in_the_first_message_opens_a_socket(
    http: aiohttp.ClientSession, settings: RealtimeSettings
) -> None:
    user_id = new_id()

    async with http.ws_connect(f"http://127.0.0.1:{settings.http_port}/ws") as socket:
        await socket.send_json({"type": "auth", "token": token(user_id)})
        ready = await socket.receive_json(timeout=10)

    assert ready["data"]["user_id"] == user_id


async def test_a_guest_hears_an_event_and_nothing_else(
    http: aiohttp.ClientSession, settings: RealtimeSettings, stub: realtime_pb2_grpc.RealtimeServiceAsyncStub
) -> None:
    event_id = new_id()
    async with http.ws_connect(f"http://127.0.0.1:{settings.http_port}/ws") as socket:
        guest = Browser(socket)
        await guest.say(type="guest")
        ready = await guest.next()
        await guest.say(type="join", room=f"event:{event_id}")
        assert await guest.in_step() == []
        await stub.NotifyBookingResult(result(new_id()))

        await stub.NotifyQueuePosition(pb.NotifyQueuePositionRequest(event_id=event_id, now_serving=3, last_number=9))

        heard = await guest.next()
        stats = await stub.GetConnectionStats(pb.GetConnectionStatsRequest())
        assert ready == {"type": "ready", "data": {"user_id": None, "cursor": None}}
        assert (heard["type"], heard["data"]["now_serving"]) == ("queue", 3)
        assert (stats.connections, stats.users) == (1, 0)


async def test_guests_leave_room_for_buyers(http: aiohttp.ClientSession, stores: Stores) -> None:
    async with running(RealtimeSettings, compose, stores, max_guests=1) as settings:
        await publish_keys(settings)
        url = f"http://127.0.0.1:{settings.http_port}/ws"
        async with http.ws_connect(url) as first, http.ws_connect(url) as second, http.ws_connect(url) as buyer:
            await first.send_json({"type": "guest"})
            await first.receive_json(timeout=10)
            await second.send_json({"type": "guest"})
            refused = await second.receive_json(timeout=10)
            await buyer.send_json({"type": "auth", "token": token(new_id())})

            assert refused["reason"] == "too-many-guests"
            assert await Browser(second).close_code() == 1013
            assert (await buyer.receive_json(timeout=10))["type"] == "ready"


@pytest.mark.parametrize(
    ("origin", "kind"),
    [
        ("http://127.0.0.1:3001", "ready"),
        ("https://elsewhere.example", "error"),
        ("null", "error"),
        ("http://[", "error"),
        ("", "error"),
    ],
)
async def test_a_cookie_says_who_it_is_on_pages_of_this_host_only(
    http: aiohttp.ClientSession, settings: RealtimeSettings, origin: str, kind: str
) -> None:
    headers = {"Cookie": f"{settings.token_cookie}={token(new_id())}"} | ({"Origin": origin} if origin else {})
    async with http.ws_connect(f"http://127.0.0.1:{settings.http_port}/ws", headers=headers) as socket:
        await socket.send_json({"type": "auth"})

        assert (await socket.receive_json(timeout=10))["type"] == kind


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"type":"auth","token":"forged"}', 4401),
        ('{"type":"join","room":"event:1"}', 4400),
        ("no json", 4400),
        ('{"type":1}', 4400),
        ("[" * 4000, 4400),
        ("x" * 5000, 1009),
    ],
)
async def test_what_is_no_sign_in_closes_the_socket(
    http: aiohttp.ClientSession, settings: RealtimeSettings, first: str, code: int
) -> None:
    async with http.ws_connect(f"http://127.0.0.1:{settings.http_port}/ws") as socket:
        await socket.send_str(first)

        assert await Browser(socket).close_code() == code


@pytest.mark.parametrize(
    "bearer",
    [token("u", lives_s=-60), token("u", key=Ed25519PrivateKey.generate()), "not.a.token"],
    ids=["expired", "forged", "garbage"],
)
async def test_a_token_that_is_not_good_closes_the_socket(connect: Connect, bearer: str) -> None:
    browser = await connect("u", bearer=bearer)

    assert (await browser.next())["type"] == "error"
    assert await browser.close_code() == 4401


async def test_a_socket_outlives_its_token_only_with_a_fresh_one(connect: Connect) -> None:
    user_id = new_id()
    renewed = await connect(user_id, bearer=token(user_id, lives_s=-3.5))
    forgotten = await connect(user_id, bearer=token(user_id, lives_s=-3.5))
    await renewed.next()
    await forgotten.next()

    await renewed.say(type="auth", token=token(user_id))

    assert (await forgotten.next())["reason"] == "token-expired"
    assert await forgotten.close_code() == 4401
    assert await renewed.in_step() == []


async def test_a_token_in_the_url_is_refused(http: aiohttp.ClientSession, settings: RealtimeSettings) -> None:
    async with http.get(f"http://127.0.0.1:{settings.http_port}/ws?token={token('u')}") as answer:
        assert answer.status == 400
        assert (await answer.json())["reason"] == "token-in-url"


async def test_other_origins_open_no_socket(stores: Stores, http: aiohttp.ClientSession) -> None:
    headers = {"Origin": "https://evil.example"}
    async with (
        running(RealtimeSettings, compose, stores, allowed_origins="https://shop.example") as settings,
        http.get(f"http://127.0.0.1:{settings.http_port}/ws", headers=headers) as answer,
    ):
        assert answer.status == 403


async def test_a_room_hears_of_the_queue_and_whoever_joins_later_hears_at_once(
    connect: Connect, stub: realtime_pb2_grpc.RealtimeServiceAsyncStub
) -> None:
    event_id = new_id()
    early, late = await connect(new_id()), await connect(new_id())
    await early.say(type="join", room=f"event:{event_id}")
    await early.in_step()

    await stub.NotifyQueuePosition(pb.NotifyQueuePositionRequest(event_id=event_id, now_serving=7, last_number=9))

    moved = await early.next_of("queue")
    await late.say(type="join", room=f"event:{event_id}")
    assert moved == {
        "type": "queue",
        "room": f"event:{event_id}",
        "data": {"event_id": event_id, "now_serving": 7, "last_number": 9},
    }
    assert await late.next_of("queue") == moved


async def test_a_room_one_left_is_silent(connect: Connect, stub: realtime_pb2_grpc.RealtimeServiceAsyncStub) -> None:
    room = f"event:{new_id()}"
    stays, leaves = await connect(new_id()), await connect(new_id())
    for browser in (stays, leaves):
        await browser.say(type="join", room=room)
    await leaves.say(type="leave", room=room)
    await stays.in_step()
    await leaves.in_step()

    await stub.BroadcastEvent(pb.BroadcastEventRequest(room=room, type="doors", data_json='{"open": true}'))

    assert await stays.next() == {"type": "doors", "room": room, "data": {"open": True}}
    assert await leaves.in_step() == []


async def test_asking_for_what_is_not_there_is_answered_and_the_socket_stays(connect: Connect) -> None:
    browser = await connect(new_id())
    await browser.next()

    await browser.say(type="join", room="event:nonsense")
    await browser.say(type="dance")
    for _ in range(21):
        await browser.say(type="join", room=f"event:{new_id()}")

    reasons = [message["reason"] for message in await browser.in_step()]
    assert reasons == ["invalid-argument", "invalid-argument", "too-many-rooms"]


async def test_whoever_asks_too_much_is_closed(connect: Connect) -> None:
    browser = await connect(new_id())
    await browser.next()

    for _ in range(60):
        await browser.say(type="ping")

    assert await browser.close_code() == 4429


async def test_a_user_has_ten_sockets(connect: Connect) -> None:
    user_id = new_id()
    for _ in range(10):
        await (await connect(user_id)).next()

    assert await (await connect(user_id)).close_code() == 4429


async def test_a_socket_that_reads_nothing_is_dropped_and_the_others_are_not(
    stub: realtime_pb2_grpc.RealtimeServiceAsyncStub, connect: Connect, settings: RealtimeSettings
) -> None:
    user_id = new_id()
    lively = await connect(user_id)
    await lively.next()
    before = (await stub.GetConnectionStats(pb.GetConnectionStatsRequest())).dropped_total
    reader, writer = await _deaf(settings, user_id)

    big = json.dumps({"text": "x" * 60_000})
    heard = 0
    async with asyncio.timeout(30):
        while (await stub.GetConnectionStats(pb.GetConnectionStatsRequest())).dropped_total == before:
            await stub.SendToUser(pb.SendToUserRequest(user_id=user_id, type="note", data_json=big))
            assert (await lively.next())["type"] == "note"
            heard += 1

    assert heard > 16
    assert await lively.in_step() == []
    del reader
    writer.close()


async def _deaf(settings: RealtimeSettings, user_id: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A socket that is opened by hand and never read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.http_port, limit=1024)
    head = [
        "GET /ws HTTP/1.1",
        "Host: test",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Sec-WebSocket-Protocol: ticketing.v1, bearer.{token(user_id)}",
    ]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("SendToUser", pb.SendToUserRequest(user_id="u", type="note", data_json="[]")),
        ("SendToUser", pb.SendToUserRequest(user_id="u", type="note", data_json='{"a":"\\ud800"}')),
        ("SendToUser", pb.SendToUserRequest(user_id="u", type="ready", data_json="{}")),
        ("SendToUser", pb.SendToUserRequest(user_id="", type="note", data_json="{}")),
        ("SendToUser", pb.SendToUserRequest(user_id="u", type="note", data_json="{}" + " " * 70_000)),
        ("BroadcastEvent", pb.BroadcastEventRequest(room="all", type="note", data_json="{}")),
        ("NotifyQueuePosition", pb.NotifyQueuePositionRequest(event_id="e")),
        ("NotifyQueuePosition", pb.NotifyQueuePositionRequest(event_id=new_id(), now_serving=2**62)),
        ("NotifyBookingResult", pb.NotifyBookingResultRequest(user_id="u")),
        ("NotifyPaymentStatus", pb.NotifyPaymentStatusRequest(user_id="u")),
        ("NotifyPaymentStatus", pb.NotifyPaymentStatusRequest(user_id="u", payment={"payment_id": "p", "status": 99})),
        ("NotifyBookingResults", pb.NotifyBookingResultsRequest(results=[result("u")] * 501)),
    ],
)
async def test_bad_requests_are_refused(
    stub: realtime_pb2_grpc.RealtimeServiceAsyncStub, method: str, request_: object
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(stub, method)(request_)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def fact(topic: str, key: str, body: protobuf.Message) -> Fact:
    return Fact(
        id=new_id(),
        topic=topic,
        key=key,
        type=body.DESCRIPTOR.full_name,
        body=body.SerializeToString(),
        time=datetime.now(UTC),
    )


async def test_facts_reach_rooms_and_buyers_and_are_not_said_twice(
    connect: Connect, settings: RealtimeSettings, stub: realtime_pb2_grpc.RealtimeServiceAsyncStub
) -> None:
    user_id, event_id, booking_id = new_id(), new_id(), new_id()
    browser = await connect(user_id)
    await browser.next()
    await browser.say(type="join", room=f"event:{event_id}")
    await browser.in_step()
    publisher = KafkaPublisher(settings, source="test")

    seats = messages.SeatsChanged(event_id=event_id, version=4, seats=[messages.SeatState(seat_id="A-1-1", state="s")])
    confirmed = messages.BookingConfirmed(booking_id=booking_id, user_id=user_id, event_id=event_id)
    await publisher.publish([fact("seats", event_id, seats), fact("bookings", booking_id, confirmed)])

    heard = [await browser.next(), await browser.next()]
    again = await stub.NotifyBookingResult(result(user_id, booking_id=booking_id))
    by_type = {message["type"]: message["data"] for message in heard}
    assert by_type["seats"]["seats"] == [{"id": "A-1-1", "state": "s"}]
    assert by_type["seats"]["version"] == 4
    assert by_type["booking"]["status"] == "confirmed"
    assert again.sent is False
    await publisher.close()


async def test_sockets_survive_redis_and_miss_nothing(tmp_path: Path, stores: Stores, http) -> None:
    port = free_port()
    user_id = new_id()
    async with AsyncExitStack() as stack:
        valkey = await stack.enter_async_context(AsyncExitStack())
        await valkey.enter_async_context(Valkey(tmp_path, port=port))
        settings = await stack.enter_async_context(running(RealtimeSettings, compose, stores, redis_port=port))
        await publish_keys(settings)
        offered = ("ticketing.v1", f"bearer.{token(user_id)}")
        url = f"http://127.0.0.1:{settings.http_port}"
        socket = await stack.enter_async_context(http.ws_connect(f"{url}/ws", protocols=offered))
        browser = Browser(socket)
        await browser.next()
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{settings.grpc_port}"))
        stub = realtime_pb2_grpc.RealtimeServiceStub(channel)
        await valkey.aclose()

        with pytest.raises(grpc.aio.AioRpcError) as down:
            await stub.NotifyBookingResult(result(user_id))
        await _until_health(http, url, 503)
        assert down.value.code() is grpc.StatusCode.UNAVAILABLE
        assert await browser.in_step() == []

        await valkey.enter_async_context(Valkey(tmp_path, port=port))
        ids = [new_id() for _ in range(5)]
        async with asyncio.timeout(45):
            for booking_id in ids:
                await _insist(stub, result(user_id, booking_id=booking_id))
        await _until_health(http, url, 200)
        assert [(await browser.next())["data"]["id"] for _ in ids] == ids


async def _insist(stub: realtime_pb2_grpc.RealtimeServiceAsyncStub, request: pb.NotifyBookingResultRequest) -> None:
    while True:
        try:
            await stub.NotifyBookingResult(request)
        except grpc.aio.AioRpcError:
            await asyncio.sleep(0.05)
        else:
            return


async def _until_health(http: aiohttp.ClientSession, url: str, status: int) -> None:
    async with asyncio.timeout(45):
        while True:
            async with http.get(f"{url}/health") as answer:
                if answer.status == status:
                    return
            await asyncio.sleep(0.1)


async def test_a_process_that_stops_asks_its_sockets_to_come_back(stores: Stores, http: aiohttp.ClientSession) -> None:
    user_id = new_id()
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(AsyncExitStack())
        settings = await service.enter_async_context(running(RealtimeSettings, compose, stores))
        await publish_keys(settings)
        offered = ("ticketing.v1", f"bearer.{token(user_id)}")
        url = f"http://127.0.0.1:{settings.http_port}/ws"
        browser = Browser(await stack.enter_async_context(http.ws_connect(url, protocols=offered)))
        await browser.next()

        closing = asyncio.create_task(browser.close_code())
        await service.aclose()

        assert await closing == 1012
