"""Embedded Valkey keeps every write it acknowledged."""

from pathlib import Path

from redis.asyncio import Redis

from services.local.stores import Valkey
from tests.ports import free_port


async def test_an_acknowledged_entry_survives_a_kill(tmp_path: Path) -> None:
    async with Valkey(tmp_path / "valkey", port=free_port()) as valkey:
        async with Redis.from_url(valkey.url, decode_responses=True) as redis:
            for number in range(20):
                await redis.xadd("booking-queue", {"booking": str(number)})

        await valkey.kill()
        await valkey.start()

        async with Redis.from_url(valkey.url, decode_responses=True) as redis:
            assert await redis.xlen("booking-queue") == 20


async def test_it_syncs_always_snapshots_never_and_evicts_nothing(tmp_path: Path) -> None:
    async with (
        Valkey(tmp_path / "valkey", port=free_port()) as valkey,
        Redis.from_url(valkey.url, decode_responses=True) as redis,
    ):
        settings = await redis.config_get("append*", "save", "maxmemory-policy", "bind")

    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "always"
    assert settings["save"] == ""
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["bind"] == "127.0.0.1"
