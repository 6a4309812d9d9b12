"""A Redis behind TLS, and whom we believe to be one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.kit.database.tls import postgres_tls
from services.kit.errors import DependencyDown
from services.kit.redis import open_redis, ping
from services.kit.settings import PostgresSettings, RedisSettings
from tests.certificates import certificate, server_context
from tests.conftest import Stores


@pytest.fixture
async def behind_tls(stores: Stores, tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """A port where Valkey is reached over TLS as `localhost`, and the authority that vouches for it."""
    authority, key = certificate(tmp_path, "localhost")
    context = server_context(authority, key)
    valkey_port = int(stores.valkey.url.rpartition(":")[2].partition("/")[0])

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", valkey_port)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1], authority
    server.close()


async def asked(port: int, *, host: str = "localhost", tls: bool = True, authority: Path | None = None) -> None:
    ca = str(authority or "")
    settings = RedisSettings(redis_host=host, redis_port=port, redis_tls=tls, redis_ca=ca)
    redis = open_redis(settings, name="test")
    try:
        async with asyncio.timeout(10):
            await ping(redis)
    finally:
        await redis.aclose()


async def test_redis_is_reached_over_tls(behind_tls: tuple[int, Path]) -> None:
    port, authority = behind_tls

    await asked(port, authority=authority)


async def test_who_is_vouched_for_by_nobody_we_trust_is_not_believed(behind_tls: tuple[int, Path]) -> None:
    port, _ = behind_tls

    with pytest.raises(DependencyDown):
        await asked(port)


async def test_who_has_another_name_is_not_believed(behind_tls: tuple[int, Path]) -> None:
    port, authority = behind_tls

    with pytest.raises(DependencyDown):
        await asked(port, host="127.0.0.1", authority=authority)


def test_only_verify_full_checks_who_answers(tmp_path: Path) -> None:
    class Settings(PostgresSettings):
        service = "auth"

    authority, _ = certificate(tmp_path, "postgres")

    checked = postgres_tls(Settings(postgres_sslmode="verify-full", postgres_ca=str(authority)))

    assert isinstance(checked, ssl.SSLContext)
    assert (checked.check_hostname, checked.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert [found["subject"] for found in checked.get_ca_certs()] == [((("commonName", "postgres"),),)]
    assert postgres_tls(Settings(postgres_sslmode="require")) == "require"
    with pytest.raises(ValidationError):
        Settings(postgres_sslmode="perhaps")
