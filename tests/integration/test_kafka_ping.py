"""A broker is there when it says something, and not when somebody takes a connection for it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from services.kit.bus.ping import ping
from services.kit.settings import KafkaSettings
from tests.conftest import Stores


@pytest.fixture
async def deaf() -> AsyncIterator[KafkaSettings]:
    """Takes connections, and hangs."""
    let_go = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        yield KafkaSettings(kafka_brokers=f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        let_go.set()


async def test_a_broker_answers(stores: Stores) -> None:
    await ping(KafkaSettings(**stores.settings()))


async def test_one_of_several_is_enough(stores: Stores, deaf: KafkaSettings) -> None:
    await ping(KafkaSettings(kafka_brokers=f"{deaf.kafka_brokers},{stores.broker.address}"))


async def test_one_that_takes_connections_and_says_nothing_is_not_there(deaf: KafkaSettings) -> None:
    with pytest.raises(ConnectionError):
        await ping(deaf)


async def test_a_broker_that_is_frozen_is_not_there(stores: Stores) -> None:
    assert stores.broker.pid is not None
    os.kill(stores.broker.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ConnectionError):
            await ping(KafkaSettings(**stores.settings()))
    finally:
        os.kill(stores.broker.pid, signal.SIGCONT)

    await ping(KafkaSettings(**stores.settings()))
