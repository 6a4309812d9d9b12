"""The auth service as its callers meet it: real gRPC, PostgreSQL, Redis and broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc
import jwt
import pytest
from aiohttp import ClientSession
from redis.asyncio import Redis

from protos.gen import auth_pb2 as pb
from protos.gen import auth_pb2_grpc
from protos.gen import messages_pb2 as messages
from protos.queue import JWKS
from services.auth.app import compose
from services.auth.settings import AuthSettings
from services.kit.bus.facts import Fact
from services.kit.bus.kafka import KafkaConsumer, KafkaPublisher
from services.kit.ids import new_id
from services.kit.redis import open_redis
from services.kit.tokens import TokenVerifier
from tests.conftest import AUTH_KEY_SECRET, Stores
from tests.ports import free_port
from tests.running import running

PASSWORD = "a long enough one"
ADMIN = "root@example.com"
# One secret for all tests: they share a database, and with it the signing keys.
OURS = {
    "auth_key_secret": AUTH_KEY_SECRET,
    "auth_key_lead_s": 0.0,
    "auth_admin_email": ADMIN,
    "auth_admin_password": PASSWORD,
    "argon2_memory_kib": 64,
    "login_address_failures": 30,
}

type Stub = auth_pb2_grpc.AuthServiceAsyncStub


@pytest.fixture
async def settings(stores: Stores) -> AsyncIterator[AuthSettings]:
    async with running(AuthSettings, compose, stores, **OURS) as settings:
        yield settings


@pytest.fixture
async def stub(settings: AuthSettings) -> AsyncIterator[Stub]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{settings.grpc_port}") as channel:
        yield auth_pb2_grpc.AuthServiceStub(channel)


@pytest.fixture
async def redis(settings: AuthSettings) -> AsyncIterator[Redis]:
    client = open_redis(settings, name="test")
    yield client
    await client.aclose()


def new_email() -> str:
    return f"{new_id()}@example.com"


async def register(stub: Stub, email: str = "", role: str = "") -> pb.RegisterResponse:
    return await stub.Register(pb.RegisterRequest(email=email or new_email(), password=PASSWORD, name="Ada", role=role))


async def refresh(stub: Stub, tokens: pb.Tokens) -> pb.Tokens:
    return (await stub.Refresh(pb.RefreshRequest(refresh_token=tokens.refresh_token))).tokens


async def refused(call: Awaitable[object]) -> tuple[grpc.StatusCode, str]:
    """The status and the reason that a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value.code(), str(dict(error.value.trailing_metadata())["reason"])


async def soon[T](look: Callable[[], Awaitable[T]]) -> T:
    """What `look` gives as soon as it is true."""
    async with asyncio.timeout(45):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.05)


async def test_from_registering_to_the_reuse_that_ends_the_session(stub: Stub) -> None:
    email = new_email()
    registered = await register(stub, email.upper(), role="organiser")
    logged_in = await stub.Login(pb.LoginRequest(email=email, password=PASSWORD, client_address="192.0.2.1"))
    assert registered.account == logged_in.account
    assert list(logged_in.account.roles) == ["buyer", "organiser"]

    refreshed = await refresh(stub, logged_in.tokens)
    validated = await stub.ValidateToken(pb.ValidateTokenRequest(access_token=refreshed.access_token))
    assert validated.account == registered.account
    assert validated.expires_at == refreshed.access_expires_at

    unauthenticated = grpc.StatusCode.UNAUTHENTICATED
    assert await refused(refresh(stub, logged_in.tokens)) == (unauthenticated, "token-reused")
    assert await refused(refresh(stub, refreshed)) == (unauthenticated, "invalid-token")
    # The session that registering opened is another one.
    await stub.Revoke(pb.RevokeRequest(refresh_token=(await refresh(stub, registered.tokens)).refresh_token))
    await stub.Revoke(pb.RevokeRequest(refresh_token="never was one"))


async def test_of_twenty_refreshes_of_one_token_one_succeeds(stub: Stub) -> None:
    tokens = (await register(stub)).tokens

    outcomes = await asyncio.gather(*(refresh(stub, tokens) for _ in range(20)), return_exceptions=True)

    errors = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert len(errors) == 19
    assert {dict(error.trailing_metadata())["reason"] for error in errors} == {"token-reused"}


async def test_an_unknown_account_and_a_wrong_password_are_told_the_same(stub: Stub) -> None:
    email = (await register(stub)).account.email
    told = []

    for request in (
        pb.LoginRequest(email=email, password="not the right one"),
        pb.LoginRequest(email=new_email(), password=PASSWORD),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stub.Login(request)
        told.append((error.value.code(), error.value.details(), tuple(error.value.trailing_metadata())))

    assert told[0] == told[1]
    assert told[0][0] is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("exists", [True, False])
async def test_guessing_is_slowed_down_whether_the_account_exists_or_not(stub: Stub, *, exists: bool) -> None:
    email = (await register(stub)).account.email if exists else new_email()
    wrong = pb.LoginRequest(email=email, password="not the right one")
    for _ in range(5):
        assert (await refused(stub.Login(wrong)))[1] == "wrong-credentials"

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.Login(pb.LoginRequest(email=email, password=PASSWORD))

    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    trailers = dict(error.value.trailing_metadata())
    assert trailers["reason"] == "too-many-attempts"
    assert 1 <= float(trailers["retry-after-s"]) <= 10


async def test_bad_input_is_told_what_is_wrong(stub: Stub) -> None:
    taken = (await register(stub)).account.email
    answers = {
        "invalid-email": pb.RegisterRequest(email="nobody", password=PASSWORD, name="Ada"),
        "weak-password": pb.RegisterRequest(email=new_email(), password="password123", name="Ada"),
        "invalid-argument": pb.RegisterRequest(email=new_email(), password=PASSWORD, name="A\x00"),
        "unknown-role": pb.RegisterRequest(email=new_email(), password=PASSWORD, name="Ada", role="admin"),
        "email-taken": pb.RegisterRequest(email=taken, password=PASSWORD, name="Ada"),
    }

    for reason, request in answers.items():
        code = grpc.StatusCode.FAILED_PRECONDITION if reason == "email-taken" else grpc.StatusCode.INVALID_ARGUMENT
        assert await refused(stub.Register(request)) == (code, reason)
    missing = await refused(stub.GrantRole(pb.GrantRoleRequest(user_id="test", role="buyer")))
    assert missing == (grpc.StatusCode.NOT_FOUND, "unknown-user")


async def test_a_new_key_signs_and_tokens_of_the_old_one_still_verify(stub: Stub, redis: Redis) -> None:
    before = await register(stub)

    kid = (await stub.RotateKeys(pb.RotateKeysRequest())).key_id
    after = await refresh(stub, before.tokens)

    assert jwt.get_unverified_header(before.tokens.access_token)["kid"] != kid
    assert jwt.get_unverified_header(after.access_token)["kid"] == kid

    async def jwks() -> str:
        return (await stub.GetJwks(pb.GetJwksRequest())).jwks_json

    verifier = TokenVerifier(jwks)
    for token in (before.tokens.access_token, after.access_token):
        identity = await verifier.verify(token)
        assert (identity.user_id, identity.roles) == (before.account.user_id, frozenset({"buyer"}))

    async def published() -> bool:
        document = json.loads(await redis.get(JWKS) or '{"keys": []}')
        return kid in {row["kid"] for row in document["keys"]}

    await soon(published)


async def test_a_registration_arrives_on_the_broker(stub: Stub, settings: AuthSettings) -> None:
    account = (await register(stub)).account
    heard: dict[str, messages.UserRegistered] = {}

    async def hear(facts: list[Fact]) -> None:
        for fact in facts:
            assert fact.type == "messages.UserRegistered"
            heard[fact.key] = messages.UserRegistered.FromString(fact.body)

    async def mine() -> messages.UserRegistered | None:
        return heard.get(account.user_id)

    publisher = KafkaPublisher(settings, source="test")
    consumer = KafkaConsumer(settings, topics=["users"], group=f"test-{new_id()}", publisher=publisher)
    reading = asyncio.create_task(consumer.run(hear))
    try:
        fact = await soon(mine)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await publisher.close()

    assert fact == messages.UserRegistered(user_id=account.user_id, email=account.email, name="Ada")


async def test_the_administrator_of_the_settings_can_log_in(stub: Stub) -> None:
    async def roles() -> list[str]:
        try:
            return list((await stub.Login(pb.LoginRequest(email=ADMIN, password=PASSWORD))).account.roles)
        except grpc.aio.AioRpcError:
            return []

    assert "admin" in await soon(roles)


async def test_two_replicas_agree_on_the_keys(stub: Stub, stores: Stores) -> None:
    async with (
        running(AuthSettings, compose, stores, **OURS) as other,
        grpc.aio.insecure_channel(f"127.0.0.1:{other.grpc_port}") as channel,
    ):
        elsewhere = auth_pb2_grpc.AuthServiceStub(channel)
        kid = (await stub.RotateKeys(pb.RotateKeysRequest())).key_id
        token = (await register(stub)).tokens.access_token

        known_there = await elsewhere.GetJwks(pb.GetJwksRequest())
        validated = await elsewhere.ValidateToken(pb.ValidateTokenRequest(access_token=token))

    assert kid in known_there.jwks_json
    assert validated.account.name == "Ada"


async def test_logins_go_on_without_redis(stores: Stores) -> None:
    gone = {"redis_port": free_port()}
    async with (
        running(AuthSettings, compose, stores, **(OURS | gone)) as settings,
        grpc.aio.insecure_channel(f"127.0.0.1:{settings.grpc_port}") as channel,
        ClientSession() as http,
    ):
        stub = auth_pb2_grpc.AuthServiceStub(channel)
        email = (await register(stub)).account.email
        for _ in range(8):
            await stub.Login(pb.LoginRequest(email=email, password=PASSWORD))
        async with http.get(f"http://127.0.0.1:{settings.metrics_port}/health") as page:
            health = await page.json()

    assert health["status"] == "UP"
    assert health["components"]["redis"]["status"] == "DOWN"


async def test_a_process_that_starts_without_its_database_resumes_when_it_comes(stores: Stores) -> None:
    port = free_port()
    admin = f"root-{new_email()}"
    changed = {"postgres_port": port, "auth_admin_email": admin, "login_free_attempts": 1000}
    async with (
        running(AuthSettings, compose, stores, **(OURS | changed)) as settings,
        grpc.aio.insecure_channel(f"127.0.0.1:{settings.grpc_port}") as channel,
        ClientSession() as http,
    ):
        stub = auth_pb2_grpc.AuthServiceStub(channel)

        async def health() -> int:
            async with http.get(f"http://127.0.0.1:{settings.metrics_port}/health") as page:
                return page.status

        async def admin_is_there() -> bool:
            try:
                await stub.Login(pb.LoginRequest(email=admin, password=PASSWORD))
            except grpc.aio.AioRpcError:
                return False
            return await health() == 200

        assert await refused(register(stub)) == (grpc.StatusCode.UNAVAILABLE, "dependency-down")
        assert await health() == 503
        async with forwarding(port, stores.postgres.port):
            await soon(admin_is_there)


@asynccontextmanager
async def forwarding(port: int, target: int) -> AsyncIterator[None]:
    """What is said to one port is said to the other, until the end of the block."""

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65_536):
            sink.write(chunk)
        sink.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(copy(reader, target_writer), copy(target_reader, writer), return_exceptions=True)
        target_writer.close()
        writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
