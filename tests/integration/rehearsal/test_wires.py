"""Wires carry what is said, and fail as networks do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.load.rehearsal.wires import HOST, Wires
from tests.ports import free_port

type Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def echo_port() -> AsyncIterator[int]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while said := await reader.read(65536):
                writer.write(said)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def wires() -> AsyncIterator[Wires]:
    async with Wires() as wires:
        yield wires


@asynccontextmanager
async def line(port: int) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def said_back(to: Line, words: bytes) -> bytes:
    reader, writer = to
    writer.write(words)
    async with asyncio.timeout(5):
        return await reader.readexactly(len(words))


async def test_what_is_said_arrives_however_much(wires: Wires, echo_port: int) -> None:
    port = wires.route("booking", "ticket", echo_port)
    much = bytes(range(256)) * 40_000

    async with line(port) as to:
        assert await said_back(to, b"hello") == b"hello"
        assert await said_back(to, much) == much


async def test_the_same_two_have_the_same_wire(wires: Wires, echo_port: int) -> None:
    port = wires.route("booking", "ticket", echo_port)

    assert wires.route("booking", "ticket", echo_port) == port
    assert wires.route("gateway", "ticket", echo_port) != port
    assert len(wires.of("*/ticket")) == 2
    assert len(wires.of("booking/ticket")) == 1
    with pytest.raises(LookupError, match="nothing is wired"):
        wires.of("booking/payment")


async def test_a_cut_resets_those_who_talk_and_welcomes_those_who_come_back(wires: Wires, echo_port: int) -> None:
    port = wires.route("booking", "ticket", echo_port)
    async with line(port) as to:
        await said_back(to, b"hello")

        wires.of("*/*")[0].cut()

        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await said_back(to, b"still there?")
    async with line(port) as again:
        assert await said_back(again, b"hello") == b"hello"


async def test_who_is_away_resets_everybody_until_he_comes_back(wires: Wires, echo_port: int) -> None:
    port = wires.route("booking", "ticket", echo_port)
    [wire] = wires.of("booking/ticket")
    wire.leave()

    async with line(port) as to:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await said_back(to, b"hello")
    wire.come_back()

    async with line(port) as again:
        assert await said_back(again, b"hello") == b"hello"


async def test_a_mute_wire_loses_nothing_and_says_nothing(wires: Wires, echo_port: int) -> None:
    port = wires.route("booking", "ticket", echo_port)
    [wire] = wires.of("booking/ticket")
    async with line(port) as old, line(port) as before:
        await said_back(old, b"hello")
        wire.mute()
        async with line(port) as new:
            answers = [asyncio.create_task(said_back(one, b"anybody?")) for one in (old, before, new)]
            done, _ = await asyncio.wait(answers, timeout=0.2)
            assert not done

            wire.speak()

            assert await asyncio.gather(*answers) == [b"anybody?"] * 3


async def test_nobody_at_the_other_end_is_a_reset(wires: Wires) -> None:
    port = wires.route("booking", "ticket", free_port())

    async with line(port) as to:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await said_back(to, b"hello")


async def test_the_end_of_one_side_is_the_end_of_the_other_and_its_last_words_arrive(wires: Wires) -> None:
    async def last_words(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"goodbye")
        writer.close()

    server = await asyncio.start_server(last_words, HOST, 0)
    async with server, line(wires.route("a", "b", server.sockets[0].getsockname()[1])) as (reader, _):
        async with asyncio.timeout(5):
            assert await reader.read() == b"goodbye"
