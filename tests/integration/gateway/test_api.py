"""The public API over real HTTP: accounts, profiles, venues, events, seats, and every way to be refused."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

from services.kit.ids import new_id
from tests.integration.gateway.conftest import DRAFT, VENUE, Gateway, running_gateway
from tests.ports import free_port
from tests.twins.peers import Peers, running_peers

EVENTS = "/api/v1/events"
ME = "/api/v1/users/me"
ADA = {"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"}


async def test_who_registers_is_known_at_once(gateway: Gateway) -> None:
    session = await gateway.ask("POST", "/api/v1/auth/register", json=ADA)
    token = session.body["tokens"]["access_token"]

    me = await gateway.ask("GET", ME, token=token)
    changed = await gateway.ask("PATCH", ME, token=token, json={"language": "de"})

    assert (session.status, session.body["account"]["roles"]) == (201, ["buyer"])
    assert (me.status, me.body["name"], me.body["email"]) == (200, "Ada", "ada@example.com")
    assert (changed.body["name"], changed.body["language"]) == ("Ada", "de")


async def test_a_session_is_refreshed_once_and_ended(gateway: Gateway) -> None:
    await gateway.ask("POST", "/api/v1/auth/register", json=ADA)
    login = {"email": ADA["email"], "password": ADA["password"]}
    session = await gateway.ask("POST", "/api/v1/auth/login", json=login)
    old = {"refresh_token": session.body["tokens"]["refresh_token"]}

    fresh = await gateway.ask("POST", "/api/v1/auth/refresh", json=old)
    reused = await gateway.ask("POST", "/api/v1/auth/refresh", json=old)
    ended = await gateway.ask(
        "POST", "/api/v1/auth/logout", json={"refresh_token": fresh.body["tokens"]["refresh_token"]}
    )
    wrong = await gateway.ask("POST", "/api/v1/auth/login", json=login | {"password": "something else"})

    assert (fresh.status, ended.status) == (200, 204)
    assert (reused.status, reused.body["reason"]) == (401, "token-reused")
    assert (wrong.status, wrong.body["reason"]) == (401, "wrong-credentials")
    assert wrong.headers["WWW-Authenticate"].startswith("Bearer")


async def test_addresses_come_and_go(gateway: Gateway) -> None:
    token = gateway.buyer()
    home = {"line1": "Main Street 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}

    added = await gateway.ask("POST", f"{ME}/addresses", token=token, json=home)
    path = added.headers["Location"]
    moved = await gateway.ask("PUT", path, token=token, json=home | {"city": "Bonn"})
    listed = await gateway.ask("GET", f"{ME}/addresses", token=token)
    removed = await gateway.ask("DELETE", path, token=token)
    unknown = await gateway.ask("PUT", f"{ME}/addresses/{new_id()}", token=token, json=home)
    malformed = await gateway.ask("DELETE", f"{ME}/addresses/%00", token=token)

    assert (added.status, moved.status, removed.status) == (201, 200, 204)
    assert [row["city"] for row in listed.body["items"]] == ["Bonn"]
    assert (unknown.status, unknown.body["reason"]) == (404, "unknown-address")
    assert (malformed.status, malformed.body["reason"]) == (404, "unknown-address")


async def test_an_event_goes_from_draft_to_cancelled(gateway: Gateway) -> None:
    organiser = gateway.organiser()
    venue = await gateway.ask("POST", "/api/v1/venues", token=organiser, json=VENUE)
    draft = {name: value for name, value in DRAFT.items() if name != "venue"} | {"venue_id": venue.body["id"]}

    made = await gateway.ask("POST", EVENTS, token=organiser, json=draft)
    path = made.headers["Location"]
    hidden = await gateway.ask("GET", path)
    own = await gateway.ask("GET", path, token=organiser)
    mine = await gateway.ask("GET", f"{EVENTS}?mine=true", token=organiser)
    await gateway.ask("PUT", path, token=organiser, json=draft | {"title": "Bigger"})
    published = await gateway.ask("POST", f"{path}/publish", token=organiser)
    public = await gateway.ask("GET", path)
    found = await gateway.ask("GET", f"{EVENTS}?q=bigger")
    stuck = await gateway.ask("DELETE", path, token=organiser)
    cancelled = await gateway.ask("POST", f"{path}/cancel", token=organiser, json={"reason": "rain"})
    told = await gateway.ask("GET", path)

    assert (made.status, made.body["status"], made.body["capacity"]) == (201, "draft", 520)
    assert made.body["sections"][0]["rows"] == [{"label": "1", "seats": 20}]
    assert made.body["tiers"][0]["price"] == {"amount": 9900, "currency": "EUR"}
    assert made.body["starts_at"] == "2040-06-01T18:00:00Z"
    assert (hidden.status, own.status) == (404, 200)
    assert [row["id"] for row in mine.body["items"]] == [made.body["id"]]
    assert (published.body["status"], public.body["title"]) == ("published", "Bigger")
    assert [row["id"] for row in found.body["items"]] == [made.body["id"]]
    assert (stuck.status, stuck.body["reason"]) == (409, "event-not-draft")
    assert (cancelled.body["status"], told.body["status"]) == ("cancelled", "cancelled")


async def test_an_event_without_seats_is_not_published(gateway: Gateway) -> None:
    organiser = gateway.organiser()
    made = await gateway.ask("POST", EVENTS, token=organiser, json=DRAFT | {"venue": VENUE | {"sections": []}})

    refused = await gateway.ask("POST", f"{made.headers['Location']}/publish", token=organiser)

    assert (refused.status, refused.body["reason"]) == (409, "event-without-seats")


async def test_another_organisers_event_is_unknown(gateway: Gateway) -> None:
    event_id = await gateway.published()

    for method, action in (("POST", "/cancel"), ("POST", "/publish"), ("PUT", "")):
        refused = await gateway.ask(method, f"{EVENTS}/{event_id}{action}", token=gateway.organiser(), json=DRAFT)
        assert refused.status in (404, 422)

    assert (await gateway.ask("GET", f"{EVENTS}/{event_id}")).body["status"] == "published"


async def test_a_buyer_makes_no_events(gateway: Gateway) -> None:
    refused = await gateway.ask("POST", EVENTS, token=gateway.buyer(), json=DRAFT)
    stranger = await gateway.ask("GET", f"{EVENTS}?mine=true")

    assert (refused.status, refused.body["reason"]) == (403, "forbidden")
    assert (stranger.status, stranger.body["reason"]) == (401, "missing-token")


async def test_a_crowd_looking_at_seats_costs_one_call(gateway: Gateway) -> None:
    path = f"{EVENTS}/{await gateway.published()}/seats"

    replies = await asyncio.gather(*(gateway.ask("GET", path) for _ in range(100)))

    assert gateway.peers.ticket.asked == 1
    assert {reply.status for reply in replies} == {200}
    seated, standing = replies[0].body["sections"]
    assert (seated["free"], len(seated["seats"])) == (20, 20)
    assert seated["seats"][11] == {"id": "A-1-12", "row": "1", "number": 12, "state": "free"}
    assert (standing["kind"], standing["free"], standing["seats"]) == ("standing", 500, [])


async def test_who_knows_the_version_hears_only_of_changes(gateway: Gateway) -> None:
    path = f"{EVENTS}/{await gateway.published()}/seats"
    etag = (await gateway.ask("GET", path)).headers["ETag"]

    same = await gateway.ask("GET", path, headers={"If-None-Match": f'"other", {etag}'})
    other = await gateway.ask("GET", path, headers={"If-None-Match": '"other"'})

    assert (same.status, same.body, same.headers["ETag"]) == (304, "", etag)
    assert other.status == 200


async def test_seats_are_compressed_for_who_takes_it(gateway: Gateway) -> None:
    url = f"{gateway.url}{EVENTS}/{await gateway.published()}/seats?section=A"

    async with (
        gateway.session.get(url, headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as zipped,
        gateway.session.get(url, headers={"Accept-Encoding": "identity"}) as plain,
    ):
        assert zipped.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(await zipped.read()) == await plain.read()
        assert [section["id"] for section in (await plain.json())["sections"]] == ["A"]


async def test_prices_are_told_by_section(gateway: Gateway) -> None:
    pricing = await gateway.ask("GET", f"{EVENTS}/{await gateway.published()}/pricing")

    assert pricing.body["sections"][0] == {"section_id": "A", "tier_id": "best"}
    assert pricing.body["tiers"][0]["price"] == {"amount": 9900, "currency": "EUR"}


async def test_the_keys_of_tokens_and_tickets_are_published_together(gateway: Gateway) -> None:
    keys = (await gateway.ask("GET", "/.well-known/jwks.json")).body["keys"]

    assert [key["kid"] for key in keys] == ["twin", "tickets"]


async def test_a_malformed_id_names_nothing(gateway: Gateway) -> None:
    token = gateway.organiser()
    for path, reason in (
        (f"{EVENTS}/nonsense", "unknown-event"),
        (f"{EVENTS}/{'9' * 500}/seats", "unknown-event"),
        ("/api/v1/venues/%F0%9F%92%A9", "unknown-venue"),
        ("/api/v1/bookings/..%2F..%2Fetc", "unknown-booking"),
        ("/api/v1/payments/1", "unknown-payment"),
        (f"/api/v1/payments/{new_id()}", "unknown-payment"),
    ):
        refused = await gateway.ask("GET", path, token=token)
        assert (refused.status, refused.body["reason"]) == (404, reason), path


async def test_tokens_that_are_not_good_are_refused(gateway: Gateway) -> None:
    issuer = gateway.peers.issuer
    good = issuer.token(new_id())
    expired = issuer.token(new_id(), lasts_s=-60)
    for header, reason in (
        ({}, "missing-token"),
        ({"Authorization": "Bearer nonsense"}, "invalid-token"),
        ({"Authorization": f"Basic {good}"}, "invalid-token"),
        ({"Authorization": f"Bearer {good[:-4]}AAAA"}, "invalid-token"),
        ({"Authorization": f"Bearer {expired}"}, "token-expired"),
    ):
        refused = await gateway.ask("GET", ME, headers=header)
        assert (refused.status, refused.body["reason"]) == (401, reason), header
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")


async def test_bodies_that_are_not_ours_are_refused_by_what_is_wrong(gateway: Gateway) -> None:
    json = {"Content-Type": "application/json"}
    for body, headers, status, reason in (
        (b"{", json, 400, "malformed-json"),
        (b"", json, 400, "malformed-json"),
        (b'{"email": "\xff"}', json, 400, "malformed-json"),
        (b'{"email": "\\ud800"}', json, 400, "malformed-json"),
        (b"[]", json, 422, "invalid-argument"),
        (b'{"email": 1, "password": "x"}', json, 422, "invalid-argument"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
        (b" " * 70_000, json, 413, "body-too-large"),
    ):
        refused = await gateway.ask("POST", "/api/v1/auth/login", data=body, headers=headers)
        assert (refused.status, refused.body["reason"]) == (status, reason), body[:40]
        assert refused.headers["Content-Type"] == "application/problem+json"

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(80):
            yield b" " * 1024

    chunked = await gateway.ask("POST", "/api/v1/auth/login", data=endless(), headers=json)
    assert (chunked.status, chunked.body["reason"]) == (413, "body-too-large")


async def test_a_wrong_type_names_its_field(gateway: Gateway) -> None:
    draft = DRAFT | {"tiers": [{"id": "a", "name": "A", "price": 12.5}]}

    refused = await gateway.ask("POST", EVENTS, token=gateway.organiser(), json=draft)

    assert (refused.status, refused.body["field"]) == (422, "$.tiers[0].price")
    assert refused.body["type"] == "/problems/invalid-argument"
    assert refused.body["instance"] == EVENTS


async def test_paths_and_methods_that_do_not_exist_are_problems_too(gateway: Gateway) -> None:
    nowhere = await gateway.ask("GET", "/api/v1/nowhere")
    wrong = await gateway.ask("DELETE", "/api/v1/bookings")

    assert (nowhere.status, nowhere.body["reason"]) == (404, "unknown-path")
    assert (wrong.status, wrong.body["reason"], wrong.headers["Allow"]) == (
        405,
        "method-not-allowed",
        "GET, HEAD, POST",
    )


async def test_who_asks_too_often_is_told_when_to_come_back(valkey, peers: Peers) -> None:
    async with running_gateway(valkey, peers, rate_limit_user_per_min=2, rate_limit_address_per_min=3) as gateway:
        token = gateway.buyer()
        first, _, third = [await gateway.ask("GET", "/api/v1/bookings", token=token) for _ in range(3)]
        another = await gateway.ask("GET", "/api/v1/bookings", token=gateway.buyer())
        strangers = [await gateway.ask("GET", EVENTS) for _ in range(4)]

    assert first.headers["RateLimit"] == '"user";r=1;t=60'
    assert (third.status, third.body["reason"], third.headers["Retry-After"]) == (429, "too-many-requests", "30")
    assert third.body["retry_after_s"] > 29
    assert another.status == 200
    assert [reply.status for reply in strangers] == [200, 200, 200, 429]


async def test_only_a_trusted_proxy_says_who_asks(valkey, peers: Peers) -> None:
    limits = {"rate_limit_address_per_min": 1}
    behind = [{"X-Forwarded-For": f"8.8.8.{number}"} for number in range(2)]
    async with running_gateway(valkey, peers, **limits) as direct:
        spoofed = [(await direct.ask("GET", EVENTS, headers=header)).status for header in behind]
    async with running_gateway(valkey, peers, **limits, trusted_proxies="127.0.0.0/8") as proxied:
        honest = [(await proxied.ask("GET", EVENTS, headers=header)).status for header in behind]

    assert (spoofed, honest) == ([200, 429], [200, 200])


async def test_pages_of_friends_may_call_and_others_not(valkey, peers: Peers) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Origin": "https://shop.example"}
    async with running_gateway(valkey, peers, cors_origins="https://shop.example") as gateway:
        friend = await gateway.ask("OPTIONS", "/api/v1/bookings", headers=asked)
        stranger = await gateway.ask("OPTIONS", "/api/v1/bookings", headers=asked | {"Origin": "https://evil.example"})
        refused = await gateway.ask("GET", ME, headers={"Origin": "https://shop.example"})

    assert (friend.status, friend.headers["Access-Control-Allow-Origin"]) == (204, "https://shop.example")
    assert "Idempotency-Key" in friend.headers["Access-Control-Allow-Headers"]
    assert stranger.status == 405
    assert "Access-Control-Allow-Origin" not in stranger.headers
    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, "https://shop.example")


async def test_what_is_away_is_said_and_comes_back_without_a_restart(valkey) -> None:
    port = free_port()
    nobody = Peers()
    nobody.port = port
    async with running_gateway(valkey, nobody) as gateway:
        away = await gateway.ask("GET", EVENTS)
        async with running_peers(port), asyncio.timeout(45):
            while (back := await gateway.ask("GET", EVENTS)).status != 200:  # noqa: ASYNC110 - it is not told when
                await asyncio.sleep(0.05)

    assert (away.status, away.body["reason"], away.headers["Retry-After"]) == (503, "dependency-down", "1")
    assert back.body["items"] == []


async def test_without_redis_reads_go_on_and_orders_wait(valkey, peers: Peers) -> None:
    async with running_gateway(valkey, peers, redis_port=free_port()) as gateway:
        order = {"event_id": await gateway.published(), "seats": ["A-1-1"]}
        refused = await gateway.ask("POST", "/api/v1/bookings", token=gateway.buyer(), json=order)
        read = await gateway.ask("GET", EVENTS)
        health = await gateway.ask("GET", "/health")
        alive = await gateway.ask("GET", "/health/live")

    assert (refused.status, refused.body["reason"], refused.headers["Retry-After"]) == (503, "dependency-down", "1")
    assert read.status == 200
    assert (health.status, health.body["components"]["redis"]["status"]) == (503, "DOWN")
    assert alive.status == 200


async def test_a_peer_that_hangs_is_given_up(valkey, peers: Peers) -> None:
    peers.payment.delay_s = 30
    async with running_gateway(valkey, peers, request_timeout_s=0.3) as gateway:
        refused = await gateway.ask("GET", f"/api/v1/payments/{new_id()}", token=gateway.buyer())

    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    assert refused.body["reason"] in ("timed-out", "dependency-down")


async def test_a_fault_behind_the_door_stays_there(gateway: Gateway) -> None:
    gateway.peers.payment.payments = None  # type: ignore[assignment]  # a bug of the peer

    fault = await gateway.ask("GET", f"/api/v1/payments/{new_id()}", token=gateway.buyer())

    assert (fault.status, fault.body["reason"]) == (500, "internal-error")
    assert "NoneType" not in str(fault.body)


async def test_health_tells_of_every_dependency(gateway: Gateway) -> None:
    health = await gateway.ask("GET", "/health")

    assert health.status == 200
    assert {name: part["status"] for name, part in health.body["components"].items()} == dict.fromkeys(
        ("redis", "auth", "event", "ticket", "booking", "payment", "user"), "UP"
    )


async def test_every_answer_carries_its_request_and_trace(gateway: Gateway) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    named = await gateway.ask("GET", EVENTS, headers={"X-Request-Id": "mine-1", "traceparent": trace})
    hostile = await gateway.ask("GET", EVENTS, headers={"X-Request-Id": "a b", "traceparent": "nonsense"})

    assert named.headers["X-Request-Id"] == "mine-1"
    assert named.headers["traceparent"].split("-")[1] == trace.split("-")[1]
    assert hostile.headers["X-Request-Id"] not in ("", "a b")
    assert named.headers["X-Content-Type-Options"] == "nosniff"


async def test_people_find_pages_that_load_nothing_from_elsewhere(gateway: Gateway) -> None:
    for path in ("/docs", "/problems", "/problems/seat-taken", "/problems/one-we-do-not-know"):
        page = await gateway.ask("GET", path)
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8"), path
        assert "http://" not in page.body.replace("http://localhost", "")
        assert "https://" not in page.body.replace("https://json-schema.org", "")
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    root = await gateway.ask("GET", "/")
    assert root.body["links"]["docs"] == "/docs"
