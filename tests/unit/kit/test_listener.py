"""On the loop that services run on."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import uvloop
from structlog.testing import capture_logs

from services.kit.listener import Listener
from tests.waiting import until

CROWD = 200


class Visitor(asyncio.Protocol):
    def __init__(self, met: list[asyncio.BaseTransport]) -> None:
        self._met = met

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._met.append(transport)


def crowd_at(port: int) -> list[socket.socket]:
    return [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(CROWD)]


def test_a_crowd_is_let_in_within_a_few_rounds_of_the_loop() -> None:
    async def come() -> int:
        met: list[asyncio.BaseTransport] = []
        listener = Listener(lambda: Visitor(met), "127.0.0.1", 0)
        listener.start()
        with closing(listener):
            crowd = crowd_at(listener.ports[0])
            rounds = 0
            while len(met) < CROWD and rounds < CROWD:
                await asyncio.sleep(0)
                rounds += 1
            for visitor in crowd:
                visitor.close()
        return rounds

    assert uvloop.run(come()) < 20


def test_without_a_descriptor_for_one_more_it_rests_and_goes_on() -> None:
    async def come() -> None:
        met: list[asyncio.BaseTransport] = []
        listener = Listener(lambda: Visitor(met), "127.0.0.1", 0)
        listener.start()
        with closing(listener), socket.socket() as visitor:
            with no_more_descriptors(), capture_logs() as told:
                visitor.connect(("127.0.0.1", listener.ports[0]))
                await until(lambda: bool(told))
                for _ in range(10):
                    await asyncio.sleep(0)
            await until(lambda: bool(met))
        assert [line["event"] for line in told] == ["not_accepted"]

    uvloop.run(come())


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """As many files are open as may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open(os.devnull) as lowest_free:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free.fileno(), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_once_closed_nobody_is_let_in() -> None:
    async def come() -> None:
        listener = Listener(lambda: Visitor([]), "127.0.0.1", 0)
        listener.start()
        (port,) = listener.ports
        listener.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)

    uvloop.run(come())
